import { BuslineError } from '../messages/busline-error.ts'
import type { AnswerAssembly } from './assemble-answer.ts'
import type { Hide } from './hide-secrets.ts'
import { answerError, unreadable } from './provider-error.ts'
import { EventFraming, type ServerEvent } from './read-events.ts'
import { errorInAnswer, readServerError } from './server-error.ts'

/** Of the data that says something, in characters: no model's longest answer comes near. */
const MAX_SAID = 64 * 1024 * 1024

/** Reads the text of an event stream into an assembly, up to `[DONE]`. */
export class ChunkReading {
  #assembly: AnswerAssembly
  #where: string
  #hide: Hide | undefined
  #events = new EventFraming()
  #said = 0
  #hasBegun = false
  #isDone = false

  /** @param hide takes secrets out of what an error shows of the stream */
  constructor(assembly: AnswerAssembly, where: string, hide?: Hide) {
    this.#assembly = assembly
    this.#where = where
    this.#hide = hide
  }

  /** Whether anything of the answer has come. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Whether `[DONE]` came: what follows it is not read. */
  get isDone(): boolean {
    return this.#isDone
  }

  /**
   * @throws BuslineError by what the server said where it sent an error; `PROVIDER_FAILED` for an event that is no JSON,
   * an event of more than 16 MB, or an answer of more than 64 MB
   */
  push(text: string): void {
    for (const event of this.#events.push(text)) if (!this.#isDone) this.#take(event)
  }

  end(): void {
    for (const event of this.#events.end()) if (!this.#isDone) this.#take(event)
  }

  #take({ event, data }: ServerEvent): void {
    if (data.startsWith('[DONE]')) {
      this.#isDone = true
      return
    }
    if (event === 'error') {
      const said = readErrorEvent(data)
      this.#assembly.addFrame(said)
      throw answerError(readServerError(said), this.#where, this.#hide)
    }
    if (data === '' || isNoise(event, data)) return
    this.#hasBegun = true
    const chunk = parseChunk(data, this.#where, this.#hide)
    const told = errorInAnswer(chunk)
    if (this.#assembly.add(chunk)) this.#said += data.length
    if (told) throw answerError(told, this.#where, this.#hide)
    if (this.#said > MAX_SAID) throw endless(this.#where)
  }
}

/** An event with a name of its own and no JSON, such as a ping, is no chunk; a chunk that was garbled has no name. */
function isNoise(event: string, data: string): boolean {
  return event !== 'message' && !/^\s*[{["]/.test(data)
}

function parseChunk(data: string, where: string, hide: Hide | undefined): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw unreadable('JSON in its stream', data, where, hide)
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

function endless(where: string): BuslineError {
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent an answer of more than ${MAX_SAID / 1024 / 1024} MB, and it was given up. Limit it with maxTokens.`,
  )
}
