import { TextDelta } from '../messages/define-event.ts'
import { SECRET_PLACEHOLDER, type Mask } from '../messages/secret-fields.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import type { Recorder } from './recorder.ts'
import type { Redactor } from './redactor.ts'
import type { EventRoute } from './routes.ts'
import type { Unsubscribe } from './unsubscribe.ts'

const FLUSH_AFTER_MS = 250
const FLUSH_AFTER_CHARACTERS = 4096
/** How many senders may have nothing but a possible beginning of a secret open, before the oldest is written. */
const MOST_WAITING = 1000

type Delta = readonly [dtMs: number, text: string]

/** What one sender streams of one type. */
interface Stream {
  readonly type: string
  readonly typeJson: string
  readonly mask: Mask | undefined
  /** Makes the message of the next batch. */
  create: () => Message
  /** Stands for the deltas of the batch; undefined while all that is open was left over by the one before. */
  message: Message | undefined
  deltas: Delta[]
  /** How many characters have come since it was last tried to write them. */
  length: number
  /** How many characters at the beginning are the end of a secret that the batch before tells of. */
  told: number
  /** Whether nothing has come since then: all that is open may be the beginning of a secret. */
  waits: boolean
}

/**
 * Collects the deltas of stream events, so that a journal is not ten times its content: subscribers get each
 * at once, the file one record every 250 ms or 4 KiB, or when somebody outside cancels, and the rest before the result of
 * the command that caused them. A secret that is split over deltas is joined and replaced before it is written: the last characters of a batch
 * that may begin one are left to the next, or to the end of the command, or of the bus for what comes from elsewhere.
 */
export class StreamBatches {
  #recorder: Recorder
  #redactor: Redactor
  #environment: Environment
  /** By who sends (the causing message, or a session from outside), then by type. */
  #open = new Map<string, Map<string, Stream>>()
  /** The senders of which all streams wait. Only commands tell when they end, so they are bounded. */
  #waiting = new Set<string>()
  #timer: Unsubscribe | undefined

  constructor(parts: { recorder: Recorder; redactor: Redactor; environment: Environment }) {
    this.#recorder = parts.recorder
    this.#redactor = parts.redactor
    this.#environment = parts.environment
  }

  /** The message that stands for the deltas of a batch, made by `create` when a new batch begins. */
  messageFor(sender: string, route: EventRoute, create: () => Message): Message {
    const stream = this.#open.get(sender)?.get(route.event.type) ?? this.#begin(sender, route, create)
    stream.create = create
    stream.message ??= create()
    if (stream.waits) this.#waiting.delete(sender)
    stream.waits = false
    this.#timer ??= this.#environment.after(FLUSH_AFTER_MS, () => this.flushParts())
    return stream.message
  }

  add(sender: string, type: string, text: string): void {
    const stream = this.#open.get(sender)?.get(type)
    if (!stream?.message) return
    stream.deltas.push([
      Math.max(0, Math.round((this.#environment.now() - stream.message.time) * 1000) / 1000),
      stream.mask ? maskText(stream.mask, text) : text,
    ])
    stream.length += text.length
    if (stream.length >= FLUSH_AFTER_CHARACTERS) this.#writePart(sender, stream)
  }

  /** Writes all that one sender has open. */
  flush(sender: string): void {
    const streams = this.#open.get(sender)
    if (!streams) return
    this.#open.delete(sender)
    this.#waiting.delete(sender)
    for (const stream of streams.values())
      this.#write(stream, this.#redactor.lastPart(textOf(stream.deltas), stream.told))
  }

  /** Writes everything that is open. */
  flushAll(): void {
    for (const sender of this.#open.keys()) this.flush(sender)
    this.#timer?.()
    this.#timer = undefined
  }

  /**
   * Writes what is open, but for what may be the beginning of a secret. Sets no timer again, the next delta does: what waits
   * must not keep a process alive.
   */
  flushParts(): void {
    this.#timer?.()
    this.#timer = undefined
    for (const [sender, streams] of this.#open)
      for (const stream of streams.values()) if (!stream.waits) this.#writePart(sender, stream)
  }

  #begin(sender: string, route: EventRoute, create: () => Message): Stream {
    const streams = this.#open.get(sender) ?? new Map<string, Stream>()
    const stream = {
      type: route.event.type,
      typeJson: route.typeJson,
      mask: route.maskData,
      create,
      message: undefined,
      deltas: [],
      length: 0,
      told: 0,
      waits: false,
    }
    streams.set(stream.type, stream)
    this.#open.set(sender, streams)
    return stream
  }

  /** Writes what can't be the beginning of a secret. The rest goes to the next batch, which has an id of its own. */
  #writePart(sender: string, stream: Stream): void {
    const { deltas } = stream
    const text = textOf(deltas)
    const { clean, rest, told } = this.#redactor.part(text, stream.told)
    stream.length = 0
    stream.waits = true
    // Nothing but a rest stays with the message that it came with.
    if (rest !== '' && rest.length === text.length) return this.#leave(sender, stream, rest)

    // Before it is written, because a tap that publishes comes back here.
    const written = { ...stream, deltas: upTo(deltas, text.length - rest.length) }
    stream.message = undefined
    stream.deltas = [[0, rest]]
    stream.told = told
    this.#leave(sender, stream, rest)
    this.#write(written, clean)
  }

  #leave(sender: string, { type }: Stream, rest: string): void {
    const streams = this.#open.get(sender) ?? new Map<string, Stream>()
    if (rest === '') streams.delete(type)
    if (streams.size === 0) this.#open.delete(sender)
    else if ([...streams.values()].every(({ waits }) => waits)) this.#waiting.add(sender)
    const [oldest] = this.#waiting
    if (oldest !== undefined && this.#waiting.size > MOST_WAITING) this.flush(oldest)
  }

  #write({ message, create, deltas, typeJson }: Stream, clean: string): void {
    if (!message && clean === '') return
    // Whole deltas keep their times; secrets inside of them are replaced when the line is made.
    const piecewise = deltas.map(([, text]) => this.#redactor.text(text)).join('')
    const recorded = piecewise === clean ? deltas : [[deltas[0]?.[0] ?? 0, clean]]
    this.#recorder.message(typeJson, message ?? create(), { deltas: recorded })
  }
}

/** Of an event whose schema marks its text, or all of it, as secret. */
function maskText(mask: Mask, text: string): string {
  const masked = TextDelta.safeParse(mask({ text }))
  return masked.success ? masked.data.text : SECRET_PLACEHOLDER
}

function textOf(deltas: readonly Delta[]): string {
  return deltas.map(([, text]) => text).join('')
}

/** The deltas of the first so many characters, and those without any that follow them. */
function upTo(deltas: readonly Delta[], characters: number): Delta[] {
  const first: Delta[] = []
  let left = characters
  for (const [dt, text] of deltas) {
    if (left === 0 && text !== '') break
    first.push([dt, text.slice(0, left)])
    left -= Math.min(left, text.length)
  }
  return first
}
