import type { ToolCallPart } from '../messages/conversation.ts'
import { textIn } from './is-record.ts'

/** One content block while it arrives: what it began as, and what was added. */
export interface OpenBlock {
  type: string
  began: Record<string, unknown>
  /** The text or the thinking. */
  text: string
  signature: string
  /** The pieces of a tool's input, joined. */
  json: string
}

/** The call that a `tool_use` block makes; `nameOf` tells the tool that a name on the wire stands for. */
export function callOf({ began, json }: OpenBlock, nameOf: (sent: string) => string): ToolCallPart {
  return {
    id: textIn(began['id']) ?? '',
    type: 'function',
    function: { name: nameOf(textIn(began['name']) ?? ''), arguments: argumentsOf(began, json) },
  }
}

/** What of an answer's blocks has to go back unchanged, and where text and calls stood between; nothing where none has. */
export function detailsOf(blocks: readonly OpenBlock[]): Record<string, unknown>[] {
  const last = blocks.findLastIndex(({ type }) => type !== 'text' && type !== 'tool_use')
  // Text and then calls is the order that a message has anyway.
  const tail = blocks.slice(last + 1).map(({ type }) => type)
  const isPlain = tail.every((type, place) => type === 'tool_use' || place === 0)
  return blocks.slice(0, last === -1 || isPlain ? last + 1 : undefined).map((block) => {
    const { type, began, text, signature, json } = block
    if (type === 'text') return { type, length: text.length }
    if (type === 'tool_use') return { type }
    if (type === 'thinking') return { ...began, thinking: text, signature }
    return json === '' ? began : { ...began, input: parsed(json) }
  })
}

/** As received; `{}` when nothing came, and what a server sent whole as JSON. */
function argumentsOf({ input }: Record<string, unknown>, json: string): string {
  if (json !== '') return json
  return typeof input === 'string' ? input : JSON.stringify(input ?? {})
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
