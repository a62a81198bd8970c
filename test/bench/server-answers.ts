import { ARGUMENTS, MODEL, REPLY, TOOL_NAME } from './weather.ts'

const ARGUMENT_PIECES = 8
const TEXT_PIECES = 32
/** Stands for the number of an answer, which is in all of its ids. */
const NUMBER = '<number>'
const head = {
  id: `chatcmpl-${NUMBER}`,
  created: 1_700_000_000,
  model: MODEL,
  service_tier: 'default',
  system_fingerprint: 'fp_560af6e559',
}
const called = { name: TOOL_NAME, arguments: ARGUMENTS }
const call = { id: `call_${NUMBER}`, type: 'function' }
const usage = { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 }

/** Without what differs between two answers: all of it is worked out once. */
interface Template {
  readonly plain: readonly string[]
  readonly events: readonly (readonly string[])[]
}

const calls = template(
  body({ content: null, tool_calls: [{ ...call, function: called }] }, 'tool_calls'),
  [
    { role: 'assistant', content: null },
    { tool_calls: [{ index: 0, ...call, function: { name: TOOL_NAME, arguments: '' } }] },
    ...piecesOf(ARGUMENTS, ARGUMENT_PIECES).map((piece) => ({
      tool_calls: [{ index: 0, function: { arguments: piece } }],
    })),
  ],
  'tool_calls',
)
const words = template(
  body({ content: REPLY }, 'stop'),
  [{ role: 'assistant', content: '' }, ...piecesOf(REPLY, TEXT_PIECES).map((content) => ({ content }))],
  'stop',
)

export interface Answer {
  readonly kind: 'call' | 'words'
  /** Another for each answer: some clients take answers of one id for the same. */
  readonly number: number
}

/** The body of an answer that calls the tool, or of words. */
export function plainAnswer({ kind, number }: Answer): string {
  return (kind === 'call' ? calls : words).plain.join(String(number))
}

/** The same as the events of a stream. */
export function streamedAnswer({ kind, number }: Answer): string[] {
  return (kind === 'call' ? calls : words).events.map((event) => event.join(String(number)))
}

function template(plain: string, deltas: object[], finish_reason: string): Template {
  const events = [
    ...deltas.map((delta) =>
      event({ choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], usage: null }),
    ),
    event({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason }], usage: null }),
    event({ choices: [], usage }),
    'data: [DONE]\n\n',
  ]
  return { plain: plain.split(NUMBER), events: events.map((text) => text.split(NUMBER)) }
}

function body(message: object, finish_reason: string): string {
  const choice = { index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason }
  return JSON.stringify({ ...head, object: 'chat.completion', choices: [choice], usage })
}

function event(rest: object): string {
  return `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...rest })}\n\n`
}

/** Cut into so many pieces, of nearly the same length. */
function piecesOf(text: string, count: number): string[] {
  const place = (index: number): number => Math.round((text.length * index) / count)
  return Array.from({ length: count }, (_, index) => text.slice(place(index), place(index + 1)))
}
