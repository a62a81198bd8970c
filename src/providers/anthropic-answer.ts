import { BuslineError } from '../messages/busline-error.ts'
import type { ModelAnswer } from '../messages/model.ts'
import type { AnthropicAssembly } from './anthropic-assembly.ts'
import { anthropicError } from './anthropic-error.ts'
import { isRecord, textIn } from './is-record.ts'
import { networkError } from './network-error.ts'
import { oneLine } from './one-line.ts'
import type { RawAnswer } from './raw-answer.ts'
import { readEvents } from './read-events.ts'
import { readText } from './read-text.ts'

const MAX_BODY = 64 * 1024 * 1024

/**
 * Reads a success of `POST /v1/messages` into an answer. Its content-type decides whether it is a stream or one body,
 * whatever was asked for. The assembly keeps what had come when this rejects.
 *
 * @throws BuslineError `ANSWER_CUT` when neither `message_stop` nor a stop reason came, `MODEL_UNAVAILABLE` when the
 * connection was lost before anything of the answer, else by what the server said; never an answer that was cut off
 */
export async function readAnthropicAnswer(
  raw: RawAnswer,
  assembly: AnthropicAssembly,
  where: string,
): Promise<ModelAnswer> {
  const isStream = /^\s*text\/event-stream\b/i.test(raw.headers.get('content-type') ?? '')
  if (isStream) await readStream(raw, assembly, where)
  else await readBody(raw, assembly, where)
  const answer = assembly.answer()
  const requestId = raw.headers.get('request-id') ?? undefined
  return { ...answer, response: { ...answer.response, ...(requestId !== undefined && { requestId }) } }
}

async function readStream(raw: RawAnswer, assembly: AnthropicAssembly, where: string): Promise<void> {
  let isDone = false
  let broken: BuslineError | undefined
  try {
    for await (const { event: name, data } of readEvents(raw.body)) {
      if (broken) throw broken
      if (data === '') continue
      const event = eventOf(name, data)
      if (!event) {
        // The last line may have been cut in its middle; with more after it, it was not.
        broken = unreadable('JSON in its stream', data, where)
        continue
      }
      const { type } = event
      if (type === 'error') throw anthropicError(event, failureOf(raw, where))
      isDone = type === 'message_stop'
      if (isDone) break
      assembly.add(event)
    }
  } catch (error) {
    if (error instanceof BuslineError) throw error
    if (!assembly.isFinished) throw assembly.hasBegun ? cut(where, error) : networkError(error, where)
  } finally {
    if (isDone) raw.drain()
    else raw.cancel()
  }
  if (!isDone && !assembly.isFinished) throw cut(where, broken)
  if (!assembly.hasBegun) throw unreadable('answer in its stream', '', where)
}

async function readBody(raw: RawAnswer, assembly: AnthropicAssembly, where: string): Promise<void> {
  let began = false
  let text: string
  try {
    const onBytes = (): void => {
      began = true
    }
    text = await readText(raw.body, { limit: MAX_BODY, onBytes })
  } catch (error) {
    throw began ? cut(where, error) : networkError(error, where)
  }
  const body = parsed(text)
  if (isRecord(body) && (body['type'] === 'error' || isRecord(body['error']))) {
    throw anthropicError(body, failureOf(raw, where))
  }
  if (!isRecord(body) || !Array.isArray(body['content'])) throw unreadable('message', text, where)
  assembly.addBody(body)
}

/** The event's data, its type by the event's name where the data tells none; undefined for what is no JSON. */
function eventOf(name: string, data: string): Record<string, unknown> | undefined {
  const value = parsed(data)
  if (isRecord(value)) return textIn(value['type']) === undefined ? { ...value, type: name } : value
  // Told as it is: proxies end streams so.
  return name === 'error' ? { type: 'error', error: { message: data } } : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function failureOf(raw: RawAnswer, where: string): { where: string; requestId: string | undefined } {
  return { where, requestId: raw.headers.get('request-id') ?? undefined }
}

function unreadable(what: string, got: string, where: string): BuslineError {
  const found = got.trim() === '' ? 'nothing.' : `«${oneLine(got, 200)}».`
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent no ${what}, but ${found} Is the base URL that of Anthropic's Messages API?`,
  )
}

function cut(where: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'ANSWER_CUT',
    `${where} ended its answer before it was complete. What had arrived is kept; no tool call of it ran. Try again.`,
    cause === undefined ? {} : { cause },
  )
}
