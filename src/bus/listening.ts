import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { Core } from './core.ts'
import { BufferedEvents, type EventStream } from './event-stream.ts'
import type { Events } from './events.ts'
import { DEFAULT_CAPACITY, mailboxLimits, type MailboxLimits, type Overflow } from './mailbox.ts'
import type { MessageScope } from './message-scope.ts'
import { onAbort } from './on-abort.ts'
import type { Unsubscribe } from './unsubscribe.ts'
import type { Selector } from './subscribing.ts'
import { refusedWait, waitForEvent, type WaitOptions } from './waiting.ts'

export interface EventStreamOptions {
  /** How many events are kept for a consumer that is busy (default 1000). */
  buffer?: number
  /** What happens to an event beyond that (default `reject`: the loop throws `MAILBOX_FULL` after the buffer). */
  overflow?: Overflow
  /** Ends the loop when it is aborted. */
  signal?: AbortSignal
}

/** Where a wait or a stream belongs: it leaves with that. */
export interface Place {
  readonly session: string | undefined
  /** Remembers how to end it; what it returns does so, and forgets it. */
  readonly keep: (undo: () => void) => Unsubscribe
}

/** Waits and streams: subscriptions that last until something has come, or until their consumer leaves. */
export class Listening {
  #core: Core
  #events: Events
  /** How each ends when the bus stops. */
  #open = new Set<() => void>()

  constructor(parts: { core: Core; events: Events }) {
    this.#core = parts.core
    this.#events = parts.events
  }

  waitFor<Data extends Schema>(
    event: EventDefinition<Data>,
    options: WaitOptions<z.output<Data>>,
    { session, keep }: Place,
  ): Promise<z.output<Data>> {
    const { type } = event
    const refusal = this.#core.refusal(type, undefined)
    if (refusal) return refusedWait(refusal)
    const { promise, cancel } = waitForEvent<z.output<Data>>(type, options, {
      after: this.#core.environment.after,
      subscribe: (hear) =>
        this.#events.on(event, (data: never) => hear(data), { name: `waitFor ${type}` }, session),
    })
    const stop = (): void =>
      cancel(new BuslineError('BUS_STOPPED', `The bus stopped before a ${type} that fits came.`))
    this.#open.add(stop)
    let isOver = false
    const left = keep(() => {
      if (!isOver)
        cancel(new BuslineError('SCOPE_DISPOSED', `The scope that waited for ${type} was disposed.`))
    })
    const ended = (): void => {
      isOver = true
      this.#open.delete(stop)
      left()
    }
    promise.then(ended, ended)
    return promise
  }

  stream(selector: Selector, options: EventStreamOptions, { session, keep }: Place): EventStream<never> {
    const { buffer = 1000, overflow, signal } = options
    const name = `events ${nameOf(selector)}`
    const limits = mailboxLimits({ capacity: buffer, ...(overflow && { overflow }) })
    let left: Unsubscribe | undefined
    let unlink: (() => void) | undefined
    const end = (): void => stream.end()
    const stream = new BufferedEvents<never>({
      name,
      limits,
      onEnd: () => {
        this.#open.delete(end)
        unlink?.()
        off()
        left?.()
      },
      onDrop: (message) =>
        this.#core.recorder.note(
          'dropped',
          { event: message.id, subscriber: name, overflow: limits.overflow },
          message,
        ),
    })
    const off = this.#events.on(
      selector,
      (data: never, scope: MessageScope) => stream.push(data, scope.message),
      { name, mailbox: mailboxBefore(limits) },
      session,
    )
    this.#open.add(end)
    unlink = signal && onAbort(signal, end)
    // Ends it at once when its participant was taken back.
    left = keep(end)
    if (signal?.aborted || this.#core.state !== 'running') end()
    return stream
  }

  /** Ends all of them: the bus stops. */
  close(): void {
    for (const end of this.#open) end()
  }
}

/**
 * What stands before the buffer. It has the same policy, so that it drops what the buffer would, and takes one more than
 * that: a burst does not fill it without the stream noticing. Where publishers are to slow down they wait as soon as it
 * holds as much as the buffer, but a burst of those that don't is not lost.
 */
function mailboxBefore({ capacity, overflow }: MailboxLimits): MailboxLimits {
  if (overflow === 'wait') return { capacity, overflow, most: Math.max(2 * capacity, DEFAULT_CAPACITY) }
  return { capacity: Math.max(capacity + 1, DEFAULT_CAPACITY), overflow }
}

function nameOf(selector: Selector): string {
  return [selector]
    .flat()
    .map((one) => (typeof one === 'string' ? one : one.type))
    .join(', ')
}
