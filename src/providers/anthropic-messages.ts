import type { ConversationMessage, ToolCallPart } from '../messages/conversation.ts'
import { remembering } from '../messages/settled.ts'
import { isRecord, textIn } from './is-record.ts'
import { blocksOf, textBlocks, type Block } from './anthropic-parts.ts'
import { wireName } from './wire-names.ts'

/** A message of Anthropic's Messages API. */
export interface AnthropicMessage {
  role: 'user' | 'assistant'
  content: Block[]
}

/** What the API is sent of a conversation: `system` blocks, `messages` that begin with a user's, and the tools called in them. */
export interface AnthropicHistory {
  system: Block[]
  messages: AnthropicMessage[]
  called: Set<string>
}

/**
 * A conversation as the Messages API takes it, valid whatever its history: neighbours of one role merged, each call's
 * result in the user message directly after it and in the order of the calls, a result that is missing said to be so, one
 * that nobody asked for told as text, nothing empty. Thinking goes back exactly as it came: that of the tool loop which is
 * going on (`loop`), of former turns too (`all`), or `none`.
 */
export function anthropicHistory(
  messages: readonly ConversationMessage[],
  thinking: 'loop' | 'all' | 'none',
): AnthropicHistory {
  const loopStart = thinkingFrom(messages, thinking)
  const system: Block[] = []
  const merged: AnthropicMessage[] = []
  messages.forEach((message, position) => {
    const { role, content } = position >= loopStart ? withThinking(message) : withoutThinking(message)
    if (role === 'system') system.push(...content)
    else addTo(merged, role, content)
  })
  const called = answerCalls(merged)
  // The API wants the user to begin, also where what the user said was purged or empty.
  if (merged[0]?.role !== 'user') merged.unshift({ role: 'user', content: [{ type: 'text', text: '…' }] })
  return { system, messages: merged, called }
}

function thinkingFrom(messages: readonly ConversationMessage[], thinking: 'loop' | 'all' | 'none'): number {
  if (thinking === 'all') return 0
  if (thinking === 'none') return messages.length
  return messages.findLastIndex((message) => message.role === 'user') + 1
}

/** A call's id as the API takes it; ids of other servers may hold dots and colons. */
export function anthropicCallId(id: string): string {
  return /^[a-zA-Z0-9_-]+$/.test(id) ? id : wireName(id)
}

interface Converted {
  role: 'system' | 'user' | 'assistant'
  content: readonly Block[]
}

const withThinking = remembering((message: ConversationMessage) => converted(message, true))
const withoutThinking = remembering((message: ConversationMessage) => converted(message, false))

function converted(message: ConversationMessage, keepsThinking: boolean): Converted {
  const { role, content } = message
  if (role === 'system' || role === 'developer') return { role: 'system', content: blocksOf(content) }
  if (role === 'user') return { role: 'user', content: blocksOf(content) }
  if (role === 'tool' || role === 'function') return { role: 'user', content: [resultOf(message)] }
  const calls = (message.tool_calls ?? []).map(useOf)
  const laidOut = keepsThinking ? asReceived(message, calls) : undefined
  return { role: 'assistant', content: laidOut ?? [...spokenBlocks(content), ...calls] }
}

/** Of an assistant the API takes text only; what else another model showed is for people. */
function spokenBlocks(content: ConversationMessage['content']): Block[] {
  if (!Array.isArray(content)) return blocksOf(content)
  return blocksOf(content.filter(({ type }) => type === 'text' || type === 'refusal'))
}

function useOf({ id, function: { name, arguments: text } }: ToolCallPart): Block {
  return { type: 'tool_use', id: anthropicCallId(id), name: wireName(name), input: inputOf(text) }
}

/** The API wants an object, also where a model sent something else. */
function inputOf(text: string): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(text)
    return isRecord(input) ? input : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function resultOf({ tool_call_id: id, content, meta }: ConversationMessage): Block {
  const blocks = blocksOf(content)
  const only = blocks.length === 1 ? textIn(blocks[0]?.['text']) : undefined
  return {
    type: 'tool_result',
    tool_use_id: anthropicCallId(id ?? ''),
    ...(blocks.length > 0 && { content: only ?? blocks }),
    ...(meta?.error && { is_error: true }),
  }
}

/**
 * The blocks of an answer in the order in which they came, from what `reasoning_details` keeps of them (see
 * `AnthropicAssembly`); undefined where it holds none of ours.
 */
function asReceived(
  { content, reasoning_details: details }: ConversationMessage,
  calls: Block[],
): Block[] | undefined {
  if (!Array.isArray(details)) return undefined
  const blocks: Block[] = []
  const text = typeof content === 'string' ? content : ''
  let spoken = 0
  let used = 0
  let kept = 0
  for (const detail of details.filter(isRecord)) {
    const { type, length } = detail
    if (type === 'text' && typeof length === 'number') {
      blocks.push(...textBlocks(text.slice(spoken, spoken + length)))
      spoken += length
    } else if (type === 'tool_use') blocks.push(...calls.slice(used, ++used))
    else if (isOpaque(detail)) {
      blocks.push(detail)
      kept++
    }
  }
  if (kept === 0) return undefined
  const rest = typeof content === 'string' ? textBlocks(text.slice(spoken)) : spokenBlocks(content)
  return [...blocks, ...rest, ...calls.slice(used)]
}

/** Blocks that go back as they came: signed thinking, and what the server's own tools did. */
function isOpaque({ type, signature, data }: Block): boolean {
  if (type === 'thinking') return textIn(signature) !== undefined
  if (type === 'redacted_thinking') return textIn(data) !== undefined
  return type === 'server_tool_use' || (typeof type === 'string' && type.endsWith('_tool_result'))
}

function addTo(merged: AnthropicMessage[], role: 'user' | 'assistant', content: readonly Block[]): void {
  if (content.length === 0) return
  const last = merged.at(-1)
  if (last?.role === role) for (const block of content) last.content.push(block)
  else merged.push({ role, content: [...content] })
}

/** Puts results where the API wants them, in place; returns the names of all tools that were called. */
function answerCalls(merged: AnthropicMessage[]): Set<string> {
  const called = new Set<string>()
  let asked: string[] = []
  for (const message of merged) {
    if (message.role === 'user') {
      message.content = arranged(message.content, asked)
      asked = []
      continue
    }
    const uses = message.content.filter((block) => block['type'] === 'tool_use')
    for (const { name } of uses) called.add(String(name))
    asked = uses.map(({ id }) => String(id))
  }
  if (asked.length > 0) merged.push({ role: 'user', content: arranged([], asked) })
  return called
}

function arranged(content: Block[], asked: readonly string[]): Block[] {
  if (asked.length === 0 && !content.some((block) => block['type'] === 'tool_result')) return content
  const results = new Map<string, Block>()
  const rest: Block[] = []
  const wanted = new Set(asked)
  for (const block of content) {
    const id = String(block['tool_use_id'])
    if (block['type'] !== 'tool_result') rest.push(block)
    else if (wanted.has(id) && !results.has(id)) results.set(id, block)
    else rest.push(...asText(block))
  }
  return [...asked.map((id) => results.get(id) ?? missing(id)), ...rest]
}

function missing(id: string): Block {
  return { type: 'tool_result', tool_use_id: id, content: 'The result is not known.', is_error: true }
}

/** What a result says whose call is not in the history any more. */
function asText({ content }: Block): Block[] {
  if (typeof content === 'string') return textBlocks(`A tool's result: ${content}`)
  const blocks = Array.isArray(content) ? content.filter(isRecord) : []
  return [
    { type: 'text', text: blocks.length > 0 ? "A tool's result:" : 'A tool gave no result.' },
    ...blocks,
  ]
}
