import { BuslineError } from '../messages/busline-error.ts'
import type { ModelAnswer } from '../messages/model.ts'
import type { AnthropicAssembly } from './anthropic-assembly.ts'
import { beginningOf } from './anthropic-beginning.ts'
import { anthropicError, type AnthropicFailure } from './anthropic-error.ts'
import type { Hide } from './hide-secrets.ts'
import { isRecord, textIn } from './is-record.ts'
import { networkError } from './network-error.ts'
import { oneLine } from './one-line.ts'
import type { RawAnswer } from './raw-answer.ts'
import { readEvents } from './read-events.ts'

/** In bytes. */
const MAX_BODY = 64 * 1024 * 1024
/** Of the data that says something, in characters: no model's longest answer comes near. */
const MAX_SAID = 64 * 1024 * 1024

/** How errors name the server, and what takes secrets out of what it said. */
interface Telling {
  where: string
  hide: Hide
}

/**
 * Reads a success of `POST /v1/messages` into an answer. Its beginning and its content-type decide whether it is a stream or
 * one body, whatever was asked for. The assembly keeps what had come when this rejects.
 *
 * @throws BuslineError `ANSWER_CUT` when neither `message_stop` nor a stop reason came, `MODEL_UNAVAILABLE` when the
 * connection was lost before anything of the answer, `PROVIDER_FAILED` for a body of more than 64 MB or a stream of more than
 * 64 MB, else by what the server said; never an answer that was cut off
 */
export async function readAnthropicAnswer(
  raw: RawAnswer,
  assembly: AnthropicAssembly,
  where: string,
  hide: Hide = (text) => text,
): Promise<ModelAnswer> {
  const saysStream = /^\s*text\/event-stream\b/i.test(raw.headers.get('content-type') ?? '')
  const { form, body } = await beginningOf(raw.body, saysStream)
  const begun = { ...raw, body }
  if (form === 'stream') await readStream(begun, assembly, { where, hide })
  else await readBody(begun, assembly, { where, hide })
  const answer = assembly.answer()
  const requestId = raw.headers.get('request-id') ?? undefined
  return { ...answer, response: { ...answer.response, ...(requestId !== undefined && { requestId }) } }
}

async function readStream(raw: RawAnswer, assembly: AnthropicAssembly, telling: Telling): Promise<void> {
  const { where } = telling
  let said = 0
  let isDone = false
  let broken: BuslineError | undefined
  try {
    for await (const { event: name, data } of readEvents(raw.body)) {
      if (broken) throw broken
      if (data === '') continue
      const event = eventOf(name, data)
      if (!event) {
        // The last line may have been cut in its middle; with more after it, it was not.
        broken = unreadable('JSON in its stream', data, telling)
        continue
      }
      const { type } = event
      if (type === 'error') throw anthropicError(event, failureOf(raw, telling))
      isDone = type === 'message_stop'
      if (isDone) break
      if (type !== 'ping') said += data.length
      if (said > MAX_SAID) throw tooLong('an answer', MAX_SAID, where)
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
  if (!assembly.hasBegun) throw unreadable('answer in its stream', '', telling)
}

async function readBody(raw: RawAnswer, assembly: AnthropicAssembly, telling: Telling): Promise<void> {
  const { where } = telling
  let bytes = 0
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of raw.body) {
      pieces.push(piece)
      bytes += piece.byteLength
      if (bytes > MAX_BODY) throw tooLong('a body', MAX_BODY, where)
    }
  } catch (error) {
    raw.cancel()
    if (error instanceof BuslineError) throw error
    throw bytes > 0 ? cut(where, error) : networkError(error, where)
  }
  const text = new TextDecoder().decode(Buffer.concat(pieces))
  const body = parsed(text)
  if (isRecord(body) && (body['type'] === 'error' || isRecord(body['error']))) {
    throw anthropicError(body, failureOf(raw, telling))
  }
  if (!isRecord(body) || !Array.isArray(body['content'])) throw unreadable('message', text, telling)
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

function failureOf(raw: RawAnswer, telling: Telling): AnthropicFailure {
  return { ...telling, requestId: raw.headers.get('request-id') ?? undefined }
}

function unreadable(what: string, got: string, { where, hide }: Telling): BuslineError {
  const found = got.trim() === '' ? 'nothing.' : `«${oneLine(hide(got), 200)}».`
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent no ${what}, but ${found} Is the base URL that of Anthropic's Messages API?`,
  )
}

function tooLong(what: string, limit: number, where: string): BuslineError {
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent ${what} of more than ${limit / 1024 / 1024} MB, and it was given up. Limit it with maxTokens.`,
  )
}

function cut(where: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'ANSWER_CUT',
    `${where} ended its answer before it was complete. What had arrived is kept; no tool call of it ran. Try again.`,
    cause === undefined ? {} : { cause },
  )
}
