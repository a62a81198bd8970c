import { visibleLine, visibleText } from 'busline'
import { fieldOf, stringIn } from './excerpt.ts'
import type { Paint } from './paint.ts'

const ROLE_WIDTH = 10

/** A message with its full text, for people: its role, then text and tool calls, indented under it. Recorded ones may have any shape. */
export function describeMessage(value: unknown, paint: Paint): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${' '.repeat(ROLE_WIDTH)}${visibleLine(JSON.stringify(value) ?? '', 200)}\n`
  const role = stringIn(value, 'role') ?? '?'
  const answers = stringIn(value, 'tool_call_id')
  const text = textOf(fieldOf(value, 'content'))
  const calls = fieldOf(value, 'tool_calls')
  const parts = [
    ...(answers === undefined ? [] : [paint('gray', `answers ${visibleLine(answers, 60)}`)]),
    ...(text === '' ? [] : [visibleText(text)]),
    ...(Array.isArray(calls) ? calls : []).map((call) => paint('cyan', describeCall(call))),
  ]
  const style = role === 'user' ? 'bold' : 'dim'
  const head = paint(style, visibleLine(role, ROLE_WIDTH - 1).padEnd(ROLE_WIDTH))
  return `${head}${(parts.join('\n') || '(nothing)').replaceAll('\n', `\n${' '.repeat(ROLE_WIDTH)}`)}\n`
}

/** The text of a content; a part that is no text is named by its type. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => stringIn(part, 'text') ?? `[${stringIn(part, 'type') ?? 'part'}]`).join('\n')
}

function describeCall(value: unknown): string {
  const asked = fieldOf(value, 'function')
  const name = stringIn(asked, 'name')
  const args = stringIn(asked, 'arguments')
  if (name === undefined || args === undefined)
    return `calls ${visibleLine(JSON.stringify(value) ?? '', 200)}`
  return `calls ${visibleLine(name, 64)} ${visibleText(args)}`
}
