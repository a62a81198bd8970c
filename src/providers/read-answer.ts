import { BuslineError } from '../messages/busline-error.ts'
import type { ModelAnswer } from '../messages/model.ts'
import { AnswerAssembly, type AnswerListener } from './assemble-answer.ts'
import { networkError } from './network-error.ts'
import { answerError, unreadable } from './provider-error.ts'
import type { RawAnswer } from './raw-answer.ts'
import { readEvents } from './read-events.ts'
import { readText } from './read-text.ts'
import { errorInAnswer, readServerError } from './server-error.ts'

const MAX_BODY = 64 * 1024 * 1024

/**
 * Reads a success into an answer. Its content-type decides whether it is a stream or one body,
 * whatever was asked for; `listener` hears the text either way.
 *
 * @throws BuslineError `ANSWER_CUT` when the end is missing, `MODEL_UNAVAILABLE` when the connection was lost
 * before anything of the answer came, else by what the server said; never an answer that was cut off
 */
export async function readAnswer(
  answer: RawAnswer,
  listener: AnswerListener,
  where: string,
): Promise<ModelAnswer> {
  const isStream = /^\s*text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '')
  return isStream ? readStream(answer, listener, where) : readBody(answer, listener, where)
}

async function readStream(raw: RawAnswer, listener: AnswerListener, where: string): Promise<ModelAnswer> {
  const assembly = new AnswerAssembly(listener)
  let began = false
  let isDone = false
  try {
    for await (const { event, data } of readEvents(raw.body)) {
      if (data.startsWith('[DONE]')) {
        isDone = true
        break
      }
      if (event === 'error') throw answerError(readServerError(readErrorEvent(data)), where)
      if (data === '') continue
      began = true
      const chunk = parseChunk(data, where)
      const told = errorInAnswer(chunk)
      if (told) throw answerError(told, where)
      assembly.add(chunk)
    }
  } catch (error) {
    if (error instanceof BuslineError) throw error
    if (!assembly.isFinished) throw began ? cut(where, error) : networkError(error, where)
  } finally {
    if (isDone) raw.drain()
    else raw.cancel()
  }
  if (!isDone && !assembly.isFinished) throw cut(where)
  return assembly.answer()
}

async function readBody(raw: RawAnswer, listener: AnswerListener, where: string): Promise<ModelAnswer> {
  let began = false
  let text: string
  try {
    text = await readText(raw.body, {
      limit: MAX_BODY,
      onBytes: () => {
        began = true
      },
    })
  } catch (error) {
    throw began ? cut(where, error) : networkError(error, where)
  }

  const answer = parseBody(text, where)
  const told = errorInAnswer(answer)
  if (told) throw answerError(told, where)
  // A call in a body has not "begun": it is there, whole.
  const assembly = new AnswerAssembly({
    text: (piece) => listener.text(piece),
    reasoning: (piece) => listener.reasoning(piece),
    toolCall: () => undefined,
  })
  assembly.addBody(answer)
  if (!assembly.hasChoice) throw unreadable('answer', text, where)
  return assembly.answer()
}

function parseChunk(data: string, where: string): unknown {
  try {
    return JSON.parse(data)
  } catch (error) {
    throw unreadable('JSON in its stream', data, where, error)
  }
}

function parseBody(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadable('JSON', text, where, error)
  }
}

function readErrorEvent(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (error) {
    if (error instanceof SyntaxError) return data
    throw error
  }
}

function cut(where: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'ANSWER_CUT',
    `${where} ended its answer before it was complete. What had arrived is kept; no tool call of it ran. Try again.`,
    cause === undefined ? {} : { cause },
  )
}
