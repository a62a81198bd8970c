import { BuslineError } from '../messages/busline-error.ts'
import type { ModelAnswer } from '../messages/model.ts'
import { answerForm, type AnswerForm } from './answer-form.ts'
import { AnswerAssembly, type AnswerListener, type AssemblyOptions } from './assemble-answer.ts'
import type { Hide } from './hide-secrets.ts'
import { networkError } from './network-error.ts'
import { answerError, unreadable } from './provider-error.ts'
import type { RawAnswer } from './raw-answer.ts'
import { ChunkReading } from './read-chunks.ts'
import { Utf8Text } from './read-events.ts'
import { errorInAnswer } from './server-error.ts'
import { requestIdOf } from './server-response.ts'

export interface ReadingOptions extends AssemblyOptions {
  /** Takes secrets out of what an error shows of the answer, before that is cut. */
  hide?: Hide | undefined
}

/** In characters. */
const MAX_BODY = 64 * 1024 * 1024

/**
 * Reads a success into an answer. Its beginning and its content-type decide whether it is a stream or one body,
 * whatever was asked for; `listener` hears the text either way.
 *
 * @throws BuslineError `ANSWER_CUT` when the end is missing, `MODEL_UNAVAILABLE` when the connection was lost
 * before anything of the answer came, else by what the server said; never an answer that was cut off. `data.usage` has
 * the tokens that it took, as far as the server had told.
 */
export async function readAnswer(
  raw: RawAnswer,
  listener: AnswerListener,
  where: string,
  options: ReadingOptions = {},
): Promise<ModelAnswer> {
  const saysStream = /^\s*text\/event-stream\b/i.test(raw.headers.get('content-type') ?? '')
  const reading = new Reading({ saysStream, listener, where, options })
  const requestId = requestIdOf(raw.headers)
  let isWhole = false
  try {
    await readAll(raw, reading)
    isWhole = true
    const answer = reading.answer()
    if (requestId !== undefined) answer.response = { ...answer.response, requestId }
    return answer
  } catch (error) {
    throw reading.failed(error)
  } finally {
    if (isWhole && reading.isDone) raw.drain()
    else raw.cancel()
  }
}

/** Up to the end that the server told; what is lost after that is not missed. */
async function readAll({ body }: RawAnswer, reading: Reading): Promise<void> {
  try {
    for await (const bytes of body) {
      reading.push(bytes)
      if (reading.isDone) return
    }
  } catch (error) {
    if (error instanceof BuslineError || !reading.isFinished) throw error
    return
  }
  reading.end()
}

/** One answer while it arrives. */
class Reading {
  #saysStream: boolean
  #where: string
  #hide: Hide | undefined
  #bytes = new Utf8Text()
  #form: AnswerForm | undefined
  /** The text as long as it isn't known what it is, and of a body all of it. */
  #text = ''
  #assembly: AnswerAssembly
  #chunks: ChunkReading

  constructor(parts: {
    saysStream: boolean
    listener: AnswerListener
    where: string
    options: ReadingOptions
  }) {
    const { saysStream, listener, where, options } = parts
    this.#saysStream = saysStream
    this.#where = where
    this.#hide = options.hide
    this.#assembly = new AnswerAssembly(
      {
        text: (piece) => listener.text(piece),
        reasoning: (piece) => listener.reasoning(piece),
        // A call in a body has not "begun": it is there, whole.
        toolCall: (call, name) => this.#form === 'stream' && listener.toolCall(call, name),
      },
      options,
    )
    this.#chunks = new ChunkReading(this.#assembly, where, options.hide)
  }

  get isDone(): boolean {
    return this.#chunks.isDone
  }

  get isFinished(): boolean {
    return this.isDone || this.#assembly.isFinished
  }

  push(bytes: Uint8Array): void {
    this.#take(this.#bytes.push(bytes))
  }

  end(): void {
    this.#take(this.#bytes.end())
    // A beginning that the end cut before it could be told.
    this.#form ??= this.#saysStream ? 'stream' : 'body'
    if (this.#form === 'body') return this.#readBody()
    this.#chunks.push(this.#text)
    this.#text = ''
    this.#chunks.end()
  }

  /** @throws BuslineError `ANSWER_CUT` when it is not all there */
  answer(): ModelAnswer {
    if (this.#form === 'stream' && !this.isFinished) throw cut(this.#where)
    if (!this.#assembly.hasChoice) throw unreadable('answer', this.#text, this.#where, this.#hide)
    return this.#assembly.answer()
  }

  /** The error for what went wrong, with the usage as far as it was told. */
  failed(thrown: unknown): BuslineError {
    this.#assembly.flush()
    const hasBegun = this.#form === 'body' || this.#chunks.hasBegun
    const error =
      thrown instanceof BuslineError
        ? thrown
        : hasBegun
          ? cut(this.#where, thrown)
          : networkError(thrown, this.#where)
    const { usage } = this.#assembly
    if (!usage) return error
    return new BuslineError(error.code, error.message, {
      data: { ...error.data, usage },
      ...(error.cause !== undefined && { cause: error.cause }),
    })
  }

  #take(text: string): void {
    if (this.#form === 'stream') return this.#chunks.push(text)
    this.#text += text
    if (this.#text.length > MAX_BODY) throw tooLarge(this.#where)
    if (this.#form === 'body') return

    this.#text = this.#text.trimStart()
    this.#form = answerForm(this.#text, this.#saysStream)
    if (this.#form !== 'stream') return
    this.#chunks.push(this.#text)
    this.#text = ''
  }

  #readBody(): void {
    let body: unknown
    try {
      body = JSON.parse(this.#text)
    } catch {
      if (!this.#saysStream || !this.#text.startsWith('{')) {
        throw unreadable('JSON', this.#text, this.#where, this.#hide)
      }
      // A stream that began with a line where `data:` was forgotten.
      this.#form = 'stream'
      this.#chunks.push(this.#text)
      return this.#chunks.end()
    }
    const told = errorInAnswer(body)
    if (told) {
      this.#assembly.addFrame(body)
      throw answerError(told, this.#where, this.#hide)
    }
    this.#assembly.addBody(body)
  }
}

function tooLarge(where: string): BuslineError {
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent a body of more than ${MAX_BODY / 1024 / 1024} MB. Is the base URL that of a chat-completions API?`,
  )
}

function cut(where: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'ANSWER_CUT',
    `${where} ended its answer before it was complete. What had arrived is kept; no tool call of it ran. Try again.`,
    cause === undefined ? {} : { cause },
  )
}
