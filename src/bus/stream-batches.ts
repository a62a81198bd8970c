import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import type { Recorder } from './recorder.ts'
import type { Redactor } from './redactor.ts'
import type { EventRoute } from './routes.ts'
import type { Unsubscribe } from './unsubscribe.ts'

const FLUSH_AFTER_MS = 250
const FLUSH_AFTER_CHARACTERS = 4096

interface Batch {
  message: Message
  typeJson: string
  deltas: [dtMs: number, text: string][]
  length: number
}

/**
 * Collects the deltas of stream events, so that a journal is not ten times its content: subscribers get each
 * at once, the file one record every 250 ms or 4 KiB, and the rest before the result of the command that caused
 * them. A secret that is split over deltas is joined and replaced before it is written.
 */
export class StreamBatches {
  #recorder: Recorder
  #redactor: Redactor
  #environment: Environment
  /** By who sends (the causing message, or a session from outside), then by type. */
  #open = new Map<string, Map<string, Batch>>()
  #timer: Unsubscribe | undefined

  constructor(parts: { recorder: Recorder; redactor: Redactor; environment: Environment }) {
    this.#recorder = parts.recorder
    this.#redactor = parts.redactor
    this.#environment = parts.environment
  }

  /** The message that stands for the deltas of a batch, made by `create` when a new batch begins. */
  messageFor(sender: string, { event: { type }, typeJson }: EventRoute, create: () => Message): Message {
    const streams = this.#open.get(sender) ?? new Map<string, Batch>()
    const open = streams.get(type)
    if (open) return open.message
    const message = create()
    streams.set(type, { message, typeJson, deltas: [], length: 0 })
    this.#open.set(sender, streams)
    this.#timer ??= this.#environment.after(FLUSH_AFTER_MS, () => this.#onTimer())
    return message
  }

  add(sender: string, type: string, text: string): void {
    const batch = this.#open.get(sender)?.get(type)
    if (!batch) return
    batch.deltas.push([
      Math.max(0, Math.round((this.#environment.now() - batch.message.time) * 1000) / 1000),
      text,
    ])
    batch.length += text.length
    if (batch.length >= FLUSH_AFTER_CHARACTERS) this.#write(sender, batch, false)
  }

  /** Writes what one sender has open. */
  flush(sender: string): void {
    if (this.#open.size === 0) return
    for (const batch of this.#open.get(sender)?.values() ?? []) this.#write(sender, batch, true)
  }

  /** Writes everything that is open. */
  flushAll(): void {
    for (const sender of this.#open.keys()) this.flush(sender)
    this.#timer?.()
    this.#timer = undefined
  }

  #onTimer(): void {
    this.#timer = undefined
    for (const [sender, streams] of this.#open) {
      for (const batch of streams.values()) this.#write(sender, batch, false)
    }
    if (this.#open.size > 0) this.#timer = this.#environment.after(FLUSH_AFTER_MS, () => this.#onTimer())
  }

  #write(sender: string, batch: Batch, final: boolean): void {
    const joined = batch.deltas.map(([, text]) => text).join('')
    // What may be the beginning of a secret stays open until the stream has told more.
    if (!final && this.#redactor.openTail(joined) > 0) return
    const streams = this.#open.get(sender)
    streams?.delete(batch.message.type)
    if (streams?.size === 0) this.#open.delete(sender)
    const clean = this.#redactor.text(joined)
    const piecewise = batch.deltas.map(([, text]) => this.#redactor.text(text)).join('')
    const deltas = piecewise !== clean ? [[batch.deltas[0]?.[0] ?? 0, clean]] : batch.deltas
    this.#recorder.message(batch.typeJson, batch.message, { deltas })
  }
}
