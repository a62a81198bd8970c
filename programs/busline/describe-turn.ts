import { visibleLine, visibleText, type JournalRecord } from 'busline'
import { dollars } from '../function-chat/dollars.ts'
import { fieldOf } from './excerpt.ts'
import { statusStyle, type Paint } from './paint.ts'
import type { ShownCall, ShownNote, ShownTurn } from './turn-records.ts'
import { tokensOf } from './turn-values.ts'

/** The line with which a run begins in the journal. */
export function describeRun({ time, data }: JournalRecord): string {
  const about = typeof data === 'object' && data !== null ? Object.entries(data) : []
  const words = about.map(([name, value]) => `${name} ${wordOf(value)}`).join(', ')
  return `${visibleLine(`${instant(time)} ${words}`, 300)}\n`
}

/** What a value says; of an object each field, in parentheses. */
function wordOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const fields = Object.entries(value).map(([name, field]) => {
    if (name === 'time' && typeof field === 'number') return `at ${instant(field)}`
    const said = typeof field === 'string' ? field : (JSON.stringify(field) ?? '')
    return `${name} ${said}`
  })
  return `(${fields.join(', ')})`
}

/** A time as people write it in UTC; a number that is none stays one. */
export function instant(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time)
}

/** A turn for people: its head, what was asked, its calls and what happened to them, how it ended. */
export function describeTurn(turn: ShownTurn, paint: Paint): string {
  const { reply, error } = turn
  const happened = [
    ...turn.calls.map((call) => ({ line: call.line, text: describeCall(call, turn, paint) })),
    ...turn.notes.map((note) => ({ line: note.line, text: describeNote(note, paint) })),
  ]
  return [
    '',
    turnHead(turn, paint),
    turn.resumed ? '  goes on from where it was left' : `  user  ${paint('bold', indented(turn.text))}`,
    ...happened.toSorted((a, b) => a.line - b.line).map(({ text }) => text),
    ...(reply === null && error ? [] : [`  reply ${reply === null ? '(none)' : indented(reply)}`]),
    ...turnEnd(turn, paint),
    '',
  ].join('\n')
}

/** The line that a turn begins with. */
export function turnHead({ turn, session, line, ms, status }: ShownTurn, paint: Paint): string {
  const where = `${session === null ? '' : `  session ${session}`}  line ${line}`
  const head = visibleLine(`turn ${turn}${where}  ${duration(ms)}`)
  return `${paint('bold', head)}  ${paint(statusStyle(status), visibleLine(status))}`
}

/** What is said of a turn's end: its error, and what it took. */
export function turnEnd({ error, usage, cost }: ShownTurn, paint: Paint): string[] {
  const failed = error ? [`  ${paint('red', visibleLine(`${error.code}: ${error.message}`))}`] : []
  const told = tokensOf(usage)
  if (!told) return failed
  const price = cost === null ? '' : `, $${dollars(cost)}`
  return [...failed, paint('dim', `  spent ${told.input} tokens in, ${told.output} out${price}`)]
}

/** A call that another one made, a second attempt or a repaired answer, stands under it. */
function describeCall(call: ShownCall, { calls }: ShownTurn, paint: Paint): string {
  const { id, type, name, error, finishReason, status } = call
  const args = type === 'tool.call' ? ` ${JSON.stringify(call.arguments)}` : ''
  const outcome = error ? `${error.code}: ${error.message}` : outputOf(call)
  const end = call.ms === null ? '' : ` → ${outcome}${finishReason === null ? '' : ` (${finishReason})`}`
  const place = `[${id}, cause ${call.cause ?? 'none'}, line ${call.line}]`
  const what = visibleLine(`${name ?? '(not named)'}${args}${end}`, 300)
  const indent = calls.some((other) => other.id === call.cause) ? '      ' : '    '
  const head = `${paint('cyan', visibleLine(type))}  ${duration(call.ms)}  ${paint(statusStyle(status), visibleLine(status))}`
  return `${indent}${head}  ${what}  ${paint('dim', visibleLine(place))}`
}

/** Of a model call what it said and which tools it calls, of a tool call what came back. */
function outputOf({ type, output }: ShownCall): string {
  if (type !== 'model.call') return JSON.stringify(output)
  const text = fieldOf(output, 'text')
  const calls = fieldOf(output, 'calls')
  const said = text === null || text === '' ? [] : [typeof text === 'string' ? text : JSON.stringify(text)]
  const called = Array.isArray(calls) ? calls.map((name) => `${String(name)}(…)`).join(', ') : ''
  return [...said, ...(called === '' ? [] : [`calls ${called}`])].join('; ') || '(nothing)'
}

function describeNote({ line, type, text }: ShownNote, paint: Paint): string {
  return `    ${paint('yellow', type)}  ${text}  ${paint('dim', `[line ${line}]`)}`
}

function indented(text: string): string {
  return visibleText(text).replaceAll('\n', '\n        ')
}

/** Milliseconds as people read them. */
export function duration(ms: number | null): string {
  if (ms === null) return 'no end'
  return ms < 1000 ? `${Math.round(ms * 10) / 10} ms` : `${(ms / 1000).toFixed(2)} s`
}
