// Longer than 200 lines: the public face of a bus stands in one place, with what each part promises.
import { customAlphabet } from 'nanoid'
import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import { Attachments } from './attachments.ts'
import type { Bus, Participant, SessionScope, Stream, Subscribe, SubscribeOptions } from './bus.ts'
import { Cancellation } from './cancellation.ts'
import { checkFunction } from './check-function.ts'
import type { BusState } from './core.ts'
import type { DeadLetters } from './dead-letter.ts'
import { Dispatch } from './dispatch.ts'
import { drawnId, drawnNumber } from './drawn.ts'
import { afterTimeout, type Environment } from './environment.ts'
import type { Handler } from './handler-table.ts'
import type { BusSnapshot } from './inspect.ts'
import type { Journal, JournalRecord } from './journal.ts'
import type { Place } from './listening.ts'
import type { Origin } from './message-scope.ts'
import type { Middleware } from './middleware.ts'
import { milliseconds } from './milliseconds.ts'
import { Outside } from './outside.ts'
import { checkPattern } from './pattern.ts'
import type { Probe } from './probe.ts'
import type { Receipt } from './receipt.ts'
import type { Replaying } from './replaying.ts'
import { Restoring } from './restoring.ts'
import type { Tap } from './taps.ts'
import type { Schedulable, Timing } from './schedule.ts'
import type { Schedules } from './scheduler.ts'
import type { ExecuteOptions, Sender } from './scope.ts'
import { checkSessionId, openSession } from './session-scope.ts'
import { stopBus, type StopReport } from './stop.ts'
import { Timers } from './timers.ts'
import { Tracker, type TrackedMessage } from './tracker.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

export interface MessageBusOptions {
  /** Where every message is written (default: nowhere). One bus, one journal. */
  journal?: Journal | undefined
  /** Epoch milliseconds (default `Date.now`; durations then come from the monotonic clock). */
  now?: (() => number) | undefined
  /** A random id of `[0-9a-z]`: the bus draws the prefix of its message ids from it, and participants theirs. */
  newId?: (() => string) | undefined
  /** A random number from 0 up to 1, for jitter (default `Math.random`). */
  random?: (() => number) | undefined
  /** Runs something once after so many milliseconds; returns how to prevent it (default: `setTimeout`). */
  after?: ((ms: number, run: () => void) => () => void) | undefined
  /** How many messages one chain of causes may have, default 256: more is taken for a circle (`TOO_DEEP`). */
  maxDepth?: number | undefined
  /** How many dead letters are kept, default 1000; then the oldest is dropped, and recorded. */
  deadLetters?: { capacity: number } | undefined
  /** The replay that it runs for; see `replay` of `busline/journal` (default: none). */
  replaying?: Replaying | undefined
}

const NOWHERE: Place = { session: undefined, keep: unsubscribe }
const randomId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10)

/**
 * A typed, in-process message bus: commands go to exactly one handler and return its result, events fan out to any
 * number of subscribers, and every message is a line of the journal. Nothing is shared between two buses.
 */
export class MessageBus implements Bus {
  readonly deadLetters: DeadLetters
  readonly schedules: Schedules
  #dispatch: Dispatch
  #environment: Environment
  #outside: Origin
  #timers: Timers
  #attachments: Attachments
  #stopping: Promise<StopReport> | undefined

  constructor(options: MessageBusOptions = {}) {
    const { now = Date.now, newId = randomId, random = Math.random, after, maxDepth = 256 } = options
    this.#environment = {
      now,
      newId,
      random,
      idFor: options.newId ? () => newId() : drawnId,
      numberFor: options.random ? () => random() : drawnNumber,
      ownClock: options.now !== undefined,
      elapsed: options.now ?? (() => performance.now()),
      after: after ? (ms, run) => unsubscribe(after(ms, run)) : afterTimeout,
    }
    this.#dispatch = new Dispatch({
      journal: options.journal,
      environment: this.#environment,
      root: new Cancellation({}),
      maxDepth: wholeNumber('maxDepth', maxDepth),
      deadLetters: wholeNumber('deadLetters.capacity', options.deadLetters?.capacity ?? 1000),
      replaying: options.replaying,
    })
    this.#outside = new Outside(this.#dispatch.core.root)
    this.#timers = new Timers(this.#dispatch.core)
    this.#attachments = new Attachments(this, this.#dispatch)
    this.deadLetters = this.#dispatch.letters
    this.schedules = this.#dispatch.scheduler
  }

  /** Where the bus stands between `running` and `stopped`. */
  get state(): BusState {
    return this.#dispatch.state
  }

  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: NoInfer<Handler<Input, Output>>,
  ): Unsubscribe {
    return this.#dispatch.handle(command, handler, undefined)
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>> {
    return this.#dispatch.execute(command, input, this.#outside, options)
  }

  on: Bus['on'] = (
    selector: Parameters<Subscribe>[0],
    subscriber: Parameters<Subscribe>[1],
    options?: SubscribeOptions,
  ): Unsubscribe => this.#dispatch.on(selector, subscriber, options, undefined)

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt {
    return this.#dispatch.publish(event, data, this.#outside)
  }

  schedule: Bus['schedule'] = (message: Schedulable, data: unknown, timing: Timing) =>
    this.#dispatch.schedule(message, data, timing, this.#outside)

  waitFor: Bus['waitFor'] = (event, options = {}) => this.#dispatch.listening.waitFor(event, options, NOWHERE)

  events: Bus['events'] = (selector: Parameters<Stream>[0], options: Parameters<Stream>[1] = {}) =>
    this.#dispatch.listening.stream(selector, options, NOWHERE)

  /**
   * Sends through `work`'s argument and resolves when everything that this caused, directly or not, has ended: to
   * what `work` returned, and to the messages in the order in which they were accepted (the first 10 000). Rejects as
   * `work` does, after that too.
   */
  async track<T>(
    work: (sender: Sender) => T | Promise<T>,
    options: { session?: string } = {},
  ): Promise<{ value: T; messages: readonly TrackedMessage[] }> {
    if (options.session !== undefined) checkSessionId(options.session)
    const tracker = new Tracker()
    const origin = new Outside(this.#dispatch.core.root, options.session, tracker)
    let value: T
    try {
      value = await work({
        execute: (command, input, executeOptions) =>
          this.#dispatch.execute(command, input, origin, executeOptions),
        publish: (event, data) => this.#dispatch.publish(event, data, origin),
        schedule: (message: Schedulable, data: unknown, timing: Timing) =>
          this.#dispatch.schedule(message, data, timing, origin),
      })
    } finally {
      await tracker.quiet()
    }
    // A copy: the tracker hears of a dead letter that is redriven later too.
    return { value, messages: [...tracker.messages] }
  }

  /**
   * Takes over the scheduled messages and dead letters that earlier runs left, as their journals tell them: read with
   * `readJournal`, oldest file first. Call it once. What is overdue is sent at once, so handlers and subscribers should
   * be there before; the order matters to nothing else. What the journal masked as secret comes back masked.
   *
   * Rejects with `BUS_STOPPED` while it stops, and as reading the records does: then nothing has been taken over.
   */
  async restore(
    records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  ): Promise<{ scheduled: number; deadLetters: number }> {
    const { letters, scheduler, core } = this.#dispatch
    const refuse = (): void => {
      const refusal = core.refusal('bus.restore', undefined)
      if (refusal) throw refusal
    }
    refuse()
    const restoring = new Restoring()
    for await (const record of records) restoring.read(record)
    // It may have been stopped meanwhile.
    refuse()
    const deadLetters = letters.restore(restoring.letters)
    return { scheduled: scheduler.restore(restoring.schedules), deadLetters }
  }

  use(
    middleware: Middleware,
    options: { for?: readonly (CommandDefinition | EventDefinition | string)[] } = {},
  ): Unsubscribe {
    checkFunction('middleware', middleware)
    const selectors = options.for?.map((one) => (typeof one === 'string' ? one : one.type)) ?? ['**']
    for (const selector of selectors) checkPattern(selector)
    return this.#dispatch.core.routes.use(middleware, selectors)
  }

  tap(tap: Tap): Unsubscribe {
    return this.#dispatch.core.recorder.tap(tap)
  }

  attach(participant: Participant): Unsubscribe {
    return this.#attachments.add(participant)
  }

  session(id: string, options: { signal?: AbortSignal } = {}): SessionScope {
    return openSession(this.#dispatch, id, options)
  }

  secret(value: string): void {
    this.#dispatch.core.redactor.add(value)
  }

  redact(text: string): string {
    return this.#dispatch.core.redactor.text(text)
  }

  probe(probe: Probe): Unsubscribe {
    return this.#dispatch.core.probes.add(probe)
  }

  inspect(): BusSnapshot {
    return this.#dispatch.inspect()
  }

  definition(type: string): CommandDefinition | EventDefinition | undefined {
    return this.#dispatch.core.routes.definition(type)
  }

  now(): number {
    return this.#environment.now()
  }

  newId(): string {
    return this.#environment.newId()
  }

  random(): number {
    return this.#environment.random()
  }

  after(ms: number, run: () => void): Unsubscribe {
    return this.#timers.set(ms, run)
  }

  /**
   * Refuses new calls from outside, lets running work and what it causes end, cancels what has not ended by the
   * deadline, runs the participants' cleanups, and closes the journal. Idempotent. Rejects with what a cleanup or the
   * journal failed with; each of both has the deadline again, at least a second, then it is `TIMED_OUT`.
   *
   * @param options.deadline milliseconds that running work has, default 5000
   * @throws BuslineError `INVALID_OPTION` for a deadline that is no number; the bus goes on
   */
  stop(options: { deadline?: number } = {}): Promise<StopReport> {
    this.#stopping ??= stopBus({
      dispatch: this.#dispatch,
      deadline: milliseconds('deadline', options.deadline ?? 5000),
      detach: async (timeUp) => {
        try {
          await this.#attachments.detachAll(timeUp)
        } finally {
          this.#timers.clear()
        }
      },
    })
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function wholeNumber(option: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value
  throw new BuslineError('INVALID_OPTION', `${option} must be a whole number of at least 1, not ${value}.`, {
    data: { option },
  })
}
