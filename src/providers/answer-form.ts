/** What an answer is, whatever its content-type says. */
export type AnswerForm = 'stream' | 'body'

const FIELDS = new Set(['', 'data', 'event', 'id', 'retry', 'error'])
const LONGEST = 32

/**
 * Tells by its beginning whether an answer is an event stream or one body: gateways send errors as JSON or HTML under
 * `text/event-stream`, and streams under other types. Undefined while it could still be either.
 *
 * @param beginning without white space before it
 * @param saysStream whether the content-type is that of a stream
 */
export function answerForm(beginning: string, saysStream: boolean): AnswerForm | undefined {
  const end = beginning.search(/[^\w-]/)
  if (end === -1) return beginning.length < LONGEST ? undefined : 'body'
  const after = beginning[end]
  if (after === ':') return saysStream || FIELDS.has(beginning.slice(0, end)) ? 'stream' : 'body'
  return saysStream && end > 0 && (after === '\n' || after === '\r') ? 'stream' : 'body'
}
