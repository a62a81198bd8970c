import { visibleLine, type JournalRecord } from 'busline'

/** What a record says, on one line of at most `width` characters: an error, a text, a call with its arguments, else its JSON. */
export function excerpt(record: JournalRecord, width = 100): string {
  const { type, error, data, output } = record
  if (error !== undefined) return visibleLine(`${wordOf(error, 'code')}: ${wordOf(error, 'message')}`, width)
  const tell = Object.hasOwn(WORDS, type) ? WORDS[type] : undefined
  const told = tell?.(data) ?? wordsOf(record)
  return visibleLine(told ?? compact(data ?? output), width)
}

/** What the events say that tell how a turn went. */
const WORDS: Readonly<Record<string, (data: unknown) => string | undefined>> = {
  'model.attemptFailed': (data) =>
    `attempt ${wordOf(data, 'attempt')} failed, ${failureIn(data)}; again in ${wordOf(data, 'retryIn')} ms`,
  'model.answerSuperseded': (data) => `taken back: ${wordOf(data, 'text')}`,
  'model.routed': (data) =>
    `${wordOf(data, 'to')} is asked instead of ${wordOf(data, 'from')}, ${failureIn(data)}`,
  'model.answerDelayed': (data) => `no answer after ${wordOf(data, 'waited')} ms`,
  'approval.requested': (data) =>
    `waits: ${wordOf(fieldOf(data, 'command'), 'type')} ${compact(fieldOf(data, 'data'))}${because(data)}`,
  'approval.decided': (data) =>
    `${fieldOf(data, 'approved') === true ? 'approved' : 'denied'}${by(data)}${because(data)}`,
  'chat.limitReached': (data) =>
    `${wordOf(data, 'limit')}: ${wordOf(data, 'value')} of ${wordOf(data, 'max')}`,
  'chat.inputJoined': (data) => `joined turn ${wordOf(data, 'into')}`,
  'bus.attemptFailed': (data) =>
    `attempt ${wordOf(data, 'attempt')} of ${wordOf(fieldOf(data, 'message'), 'type')} failed, ${failureIn(data)}`,
  'context.degraded': (data) => `without ${wordOf(data, 'part')}, ${failureIn(data)}`,
}

/** The events that a turn is shown with. */
export const TOLD_EVENTS: ReadonlySet<string> = new Set([
  ...Object.keys(WORDS),
  'approval.expired',
  'approval.withdrawn',
  'context.purged',
  'context.summarized',
  'usage.budgetExceeded',
  'usage.notCounted',
])

/** By the shape of what it holds: a stream of deltas, a tool call, a text. */
function wordsOf({ kind, type, data, output }: JournalRecord): string | undefined {
  if (kind === 'result') {
    const message = fieldOf(output, 'message')
    const calls = fieldOf(message, 'tool_calls')
    if (Array.isArray(calls) && calls.length > 0)
      return `calls ${calls.map((call) => wordOf(fieldOf(call, 'function'), 'name')).join(', ')}`
    return stringIn(message, 'content') ?? stringIn(output, 'reply')
  }
  const deltas = fieldOf(data, 'deltas')
  if (Array.isArray(deltas))
    return deltas
      .map((delta: unknown) => (Array.isArray(delta) && typeof delta[1] === 'string' ? delta[1] : ''))
      .join('')
  if (type === 'tool.call') return `${wordOf(data, 'name')} ${compact(fieldOf(data, 'arguments'))}`
  return stringIn(data, 'text')
}

function failureIn(data: unknown): string {
  const error = fieldOf(data, 'error')
  return `${wordOf(error, 'code')}: ${wordOf(error, 'message')}`
}

function by(data: unknown): string {
  const name = stringIn(data, 'by')
  return name === undefined ? '' : ` by ${name}`
}

function because(data: unknown): string {
  const reason = stringIn(data, 'reason')
  return reason === undefined ? '' : ` (${reason})`
}

/** A field of a record's value, whatever that is; undefined where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined
}

/** A field that is a string. */
export function stringIn(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'string' ? field : undefined
}

function wordOf(value: unknown, name: string): string {
  const field = fieldOf(value, name)
  return typeof field === 'string' || typeof field === 'number' ? String(field) : '?'
}

function compact(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value)
}
