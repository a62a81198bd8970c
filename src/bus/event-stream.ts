import type { BuslineError } from '../messages/busline-error.ts'
import type { Envelope } from './envelope.ts'
import { Fifo } from './fifo.ts'
import { mailboxFull, overflowing, type MailboxLimits } from './mailbox.ts'

interface Item<Data> {
  readonly data: Data
  readonly message: Envelope
  /** Lets the delivery end that waits for room. */
  readonly release: (() => void) | undefined
}

/**
 * Events as an asynchronous iterator. Bounded like a mailbox. Ends when its consumer leaves the loop, its signal is
 * aborted, its scope is disposed or the bus stops; what is in the buffer is handed out before.
 */
export interface EventStream<Data> extends AsyncIterableIterator<Data, undefined>, AsyncDisposable {
  next(): Promise<IteratorResult<Data, undefined>>
  return(): Promise<IteratorReturnResult<undefined>>
  [Symbol.asyncIterator](): EventStream<Data>
}

/** The buffer between a subscription and whoever iterates. */
export class BufferedEvents<Data> implements EventStream<Data> {
  #limits: MailboxLimits
  #name: string
  #buffer = new Fifo<Item<Data>>()
  #readers = new Fifo<(result: IteratorResult<Data, undefined>) => void>()
  #ended = false
  #failure: BuslineError | undefined
  #onEnd: () => void
  #onDrop: (message: Envelope) => void

  constructor(parts: {
    name: string
    limits: MailboxLimits
    onEnd: () => void
    onDrop: (message: Envelope) => void
  }) {
    this.#name = parts.name
    this.#limits = parts.limits
    this.#onEnd = parts.onEnd
    this.#onDrop = parts.onDrop
  }

  /** Takes an event; returns a promise when the delivery has to wait for room. */
  push(data: Data, message: Envelope): void | Promise<void> {
    if (this.#ended) return
    const reader = this.#readers.shift()
    if (reader) return reader({ done: false, value: data })
    if (this.#buffer.length < this.#limits.capacity)
      return this.#buffer.push({ data, message, release: undefined })

    let waiting: Promise<void> | undefined
    let release: (() => void) | undefined
    if (this.#limits.overflow === 'wait')
      waiting = new Promise((resolve) => {
        release = resolve
      })
    const item = { data, message, release }
    const verdict = overflowing(this.#buffer, item, this.#limits, true)
    if (verdict.newcomer === 'rejected') return this.#overflow(message)
    if (verdict.newcomer === 'dropped') return this.#onDrop(message)
    if (verdict.newcomer === 'queued' && verdict.displaced) this.#onDrop(verdict.displaced.message)
    this.#buffer.push(item)
    return waiting
  }

  next(): Promise<IteratorResult<Data, undefined>> {
    const item = this.#buffer.shift()
    if (item) {
      // The one that moves up into the buffer; its delivery need not wait any more.
      this.#buffer.at(this.#limits.capacity - 1)?.release?.()
      return Promise.resolve({ done: false, value: item.data })
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure) return Promise.reject(failure)
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#readers.push(resolve)
    })
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    for (const { release } of this.#buffer.toArray()) release?.()
    this.#buffer.clear()
    this.#failure = undefined
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Nothing comes any more; what is in the buffer stays. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    for (const { release } of this.#buffer.toArray()) release?.()
    for (let reader = this.#readers.shift(); reader; reader = this.#readers.shift())
      reader({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Policy `reject`: the consumer gets what is in the buffer, then the error that says what it missed. */
  #overflow(message: Envelope): void {
    this.#onDrop(message)
    this.#failure = mailboxFull(this.#name, message.type, this.#limits.capacity)
    this.end()
  }
}
