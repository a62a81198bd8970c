import { visibleLine, visibleText } from 'busline'
import * as z from 'zod'
import type { Paint } from './paint.ts'

const Part = z.looseObject({ type: z.string().catch('part') })
const Call = z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })

/** A message of a conversation as far as it can be read; recorded ones may have any shape. */
const Message = z.looseObject({
  role: z.string().catch('?'),
  content: z
    .union([z.string(), z.array(Part)])
    .nullish()
    .catch(null),
  tool_calls: z.array(z.unknown()).catch([]).default([]),
  tool_call_id: z.string().optional().catch(undefined),
})

const ROLE_WIDTH = 10

/** A message with its full text, for people: its role, then text and tool calls, indented under it. */
export function describeMessage(value: unknown, paint: Paint): string {
  const message = Message.safeParse(value).data
  if (!message) return `${' '.repeat(ROLE_WIDTH)}${visibleLine(JSON.stringify(value) ?? '', 200)}\n`
  const { role, content, tool_calls: calls, tool_call_id: answers } = message
  const parts = [
    ...(answers === undefined ? [] : [paint('gray', `answers ${visibleLine(answers, 60)}`)]),
    ...(content ? [visibleText(textOf(content))] : []),
    ...calls.map((call) => paint('cyan', describeCall(call))),
  ]
  const style = role === 'user' ? 'bold' : 'dim'
  const head = paint(style, visibleLine(role, ROLE_WIDTH - 1).padEnd(ROLE_WIDTH))
  return `${head}${(parts.join('\n') || '(nothing)').replaceAll('\n', `\n${' '.repeat(ROLE_WIDTH)}`)}\n`
}

/** The text of a content; a part that is no text is named by its type. */
function textOf(content: string | readonly z.output<typeof Part>[]): string {
  if (typeof content === 'string') return content
  return content
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : `[${part.type}]`))
    .join('\n')
}

function describeCall(value: unknown): string {
  const call = Call.safeParse(value).data
  if (!call) return `calls ${visibleLine(JSON.stringify(value) ?? '', 200)}`
  return `calls ${visibleLine(call.function.name, 64)} ${visibleText(call.function.arguments)}`
}
