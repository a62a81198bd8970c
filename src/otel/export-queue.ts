import { BuslineError } from '../messages/busline-error.ts'
import type { FinishedSpan } from './finished-span.ts'
import { lengthOf, SPANS_A_BATCH } from './span-batches.ts'
import type { ExportOutcome, SpanExporter } from './span-exporter.ts'

/** Characters that may wait: content can make spans long. */
const LONGEST_QUEUE = 16_000_000

export interface ExportQueueOptions {
  readonly exporter: SpanExporter
  /** How many spans may wait. */
  readonly maxQueue: number
  /** Milliseconds that the exporter has for one batch. */
  readonly exportTimeout: number
  /** Told of the first failure, and of the next one after a batch that went well. */
  readonly onFailure: (error: Error, lost: number) => void
}

/**
 * What waits to be exported, and its way there, one batch at a time. Bounded: what comes to a full queue is lost, and counted.
 * Never throws, whatever the exporter does.
 */
export class ExportQueue {
  #options: ExportQueueOptions
  #waiting: FinishedSpan[] = []
  #length = 0
  #running: Promise<void> | undefined
  #failing = false
  #overflown = 0
  /** The batch that is on its way. */
  #current: { readonly spans: number; readonly stop: AbortController } | undefined
  #isAbandoned = false

  constructor(options: ExportQueueOptions) {
    this.#options = options
  }

  /** How many spans wait. */
  get size(): number {
    return this.#waiting.length
  }

  push(span: FinishedSpan): void {
    const length = lengthOf(span)
    const isFull = this.#waiting.length >= this.#options.maxQueue || this.#length + length > LONGEST_QUEUE
    if (isFull) this.#overflown++
    else {
      this.#waiting.push(span)
      this.#length += length
    }
  }

  /** Exports until nothing waits. */
  drain(): Promise<void> {
    this.#running ??= this.#exportAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Gives up what waits and what is on its way; how many spans that were. Nothing is exported or told afterwards. */
  abandon(): number {
    const lost = this.#waiting.length + this.#overflown + (this.#current?.spans ?? 0)
    this.#isAbandoned = true
    this.#waiting = []
    this.#current?.stop.abort()
    return lost
  }

  async #exportAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, SPANS_A_BATCH)
      this.#length = this.#waiting.reduce((sum, span) => sum + lengthOf(span), 0)
      const error = await this.#export(batch)
      if (this.#isAbandoned) return
      // Also what came to a full queue while this batch was on its way.
      const lost = this.#overflown + (error ? batch.length : 0)
      this.#overflown = 0
      if (lost > 0) this.#failed(error ?? fullError(this.#options.maxQueue), lost)
      else this.#failing = false
    }
  }

  /** Why a batch could not be exported; undefined when it could. */
  #export(batch: FinishedSpan[]): Promise<Error | undefined> {
    const { exporter, exportTimeout } = this.#options
    const stop = new AbortController()
    const current = { spans: batch.length, stop }
    this.#current = current
    return new Promise((resolve) => {
      const done = (error: Error | undefined): void => {
        clearTimeout(limit)
        // It may say so long after another batch has begun.
        if (this.#current === current) this.#current = undefined
        resolve(error)
      }
      const limit = setTimeout(() => {
        done(lateError(exportTimeout))
        stop.abort()
      }, exportTimeout)
      // A process that has nothing else to do need not wait for a server.
      limit.unref()
      try {
        exporter.export(batch, (outcome) => done(errorOf(outcome)), stop.signal)
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  #failed(error: Error, lost: number): void {
    if (!this.#failing) this.#options.onFailure(error, lost)
    this.#failing = true
  }
}

function errorOf({ code, error }: ExportOutcome): Error | undefined {
  return code === 0 ? undefined : (error ?? failed('The exporter failed without a reason.'))
}

function lateError(ms: number): BuslineError {
  return failed(`The exporter did not end within ${ms} ms.`)
}

function fullError(maxQueue: number): BuslineError {
  return failed(`More than maxQueue (${maxQueue}) spans waited to be exported.`)
}

function failed(message: string): BuslineError {
  return new BuslineError('EXPORT_FAILED', message)
}
