import { visibleLine, visibleText, type Session } from 'busline'
import { counted } from '../function-chat/counted.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { describeMessage } from './describe-message.ts'
import type { Paint } from './paint.ts'

type Message = Session['messages'][number]

/** What `busline sessions export --format` knows. */
export const SESSION_FORMATS: Readonly<Record<string, (session: Session) => string>> = {
  json: jsonLine,
  openai: (session) => jsonLine({ messages: wireMessages(session) }),
  md: markdown,
}

/** A session as a conversation, for people. */
export function describeSession(session: Session, paint: Paint): string {
  const { id, name, model, version, createdAt, updatedAt, systemPrompt, messages, openTurn } = session
  const about = [
    ...(name === null ? [] : [visibleLine(name, 80)]),
    visibleLine(model ?? 'no model', 80),
    counted(messages.length, 'message'),
    `version ${version}`,
    `${minute(createdAt)} to ${minute(updatedAt)}`,
  ].join(', ')
  const system = systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }]
  return [
    `${paint('bold', `session ${visibleLine(id)}`)}  ${about}\n\n`,
    ...[...system, ...messages].map((message) => describeMessage(message, paint)),
    ...(openTurn === undefined ? [] : [`\nTurn ${visibleLine(openTurn)} was begun and has not ended.\n`]),
  ].join('')
}

/** One message as a line for programs: every key always there, in this order. */
export function messageLine(session: string, message: Message): string {
  const { id, turn, role, content, tool_calls: calls, tool_call_id: answers, meta } = message
  return jsonLine({
    session,
    id: id ?? null,
    turn: turn ?? null,
    role,
    content: content ?? null,
    toolCalls: calls ?? [],
    toolCallId: answers ?? null,
    meta: meta ?? null,
  })
}

/** The messages as a chat-completions server takes them, system prompt first. */
function wireMessages({ systemPrompt, messages }: Session): unknown[] {
  const system = systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }]
  return [...system, ...messages.map(({ id: _id, turn: _turn, meta: _meta, ...message }) => message)]
}

function markdown({ id, name, model, systemPrompt, messages }: Session): string {
  const about = `Session \`${id}\`${model === null ? '' : `, model \`${visibleLine(model)}\``}`
  const system = systemPrompt === null ? [] : [section('System', visibleText(systemPrompt))]
  return [`# ${visibleLine(name ?? id)}\n\n${about}\n`, ...system, ...messages.map(messageSection)].join('\n')
}

function messageSection({ role, content, tool_calls: calls = [], tool_call_id: answers }: Message): string {
  const title = `${role.charAt(0).toUpperCase()}${role.slice(1)}`
  const text = visibleText(typeof content === 'string' ? content : content ? JSON.stringify(content) : '')
  const body = answers === undefined ? text : `Answers \`${visibleLine(answers)}\`\n\n${fenced(text)}`
  const made = calls.map(({ id, function: { name, arguments: args } }) => {
    return `Calls \`${visibleLine(name)}\` (\`${visibleLine(id)}\`)\n\n${fenced(visibleText(args))}`
  })
  return section(title, [body, ...made].filter((part) => part !== '').join('\n\n'))
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}\n`
}

/** In a fence that is longer than any in the text. */
function fenced(text: string): string {
  let longest = 2
  for (const [ticks] of text.matchAll(/`+/g)) longest = Math.max(longest, ticks.length)
  const fence = '`'.repeat(longest + 1)
  return `${fence}json\n${text}\n${fence}`
}

function minute(time: number): string {
  return Number.isFinite(time) && Math.abs(time) < 8.64e15
    ? new Date(time).toISOString().slice(0, 16).replace('T', ' ')
    : String(time)
}
