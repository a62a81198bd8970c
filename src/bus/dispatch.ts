// Longer than 200 lines: accepting a command and accepting an event are the two halves of one order of steps.
import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import { TextDelta, type EventDefinition } from '../messages/define-event.ts'
import { failureOf } from '../messages/failure.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import type { SubscribeOptions } from './bus.ts'
import { Cancellation } from './cancellation.ts'
import { CommandRunner } from './command-runner.ts'
import { Message } from './envelope.ts'
import { HandlerTable, type Handler, type RegisteredHandler } from './handler-table.ts'
import { Joining } from './joining.ts'
import type { Journal } from './journal.ts'
import { ListenerTable } from './listener-table.ts'
import { Mailroom } from './mailroom.ts'
import { MessageScope, type Dispatcher, type Origin } from './message-scope.ts'
import { Receipt } from './receipt.ts'
import { Recorder } from './recorder.ts'
import { Redactor } from './redactor.ts'
import { Routes, type CommandRoute } from './routes.ts'
import { Run } from './run.ts'
import type { ExecuteOptions } from './scope.ts'
import { StreamBatches } from './stream-batches.ts'
import { Subscriber } from './subscriber.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

const NOBODY: readonly Subscriber[] = []

/**
 * Takes messages from wherever they come to where they go: parse, record, then run or deliver.
 */
export class Dispatch implements Dispatcher {
  readonly routes = new Routes()
  readonly redactor = new Redactor()
  readonly recorder: Recorder
  readonly mailroom: Mailroom
  readonly batches: StreamBatches
  readonly runs = new Set<Run>()
  readonly root: Cancellation
  state: 'running' | 'draining' | 'stopped' = 'running'
  onIdle: () => void = () => undefined
  endedRuns = 0
  #handlers = new HandlerTable()
  #listeners = new ListenerTable()
  #sessionListeners = new Map<string, ListenerTable>()
  #runner: CommandRunner
  #joining = new Joining()
  #now: () => number
  #clock: () => number
  #prefix: string
  #roots = 0

  constructor(parts: {
    journal: Journal | undefined
    now: () => number
    clock: () => number
    prefix: string
    root: Cancellation
  }) {
    this.#now = parts.now
    this.#clock = parts.clock
    this.#prefix = parts.prefix
    this.root = parts.root
    this.recorder = new Recorder({
      journal: parts.journal,
      now: parts.now,
      redactor: this.redactor,
      run: parts.prefix,
    })
    this.batches = new StreamBatches({ recorder: this.recorder, redactor: this.redactor, now: parts.now })
    this.mailroom = new Mailroom({
      dispatcher: this,
      recorder: this.recorder,
      cancellation: parts.root,
      onionFor: (type) => this.routes.onionFor(type),
      onIdle: () => this.#checkIdle(),
    })
    this.#runner = new CommandRunner({
      recorder: this.recorder,
      clock: parts.clock,
      beforeResult: (message) => this.batches.flush(message.id),
      onEnd: (run) => this.#forget(run),
    })
  }

  get idle(): boolean {
    return this.runs.size === 0 && this.mailroom.pending === 0 && this.#joining.isEmpty
  }

  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: Handler<Input, Output>,
    session: string | undefined,
  ): Unsubscribe {
    return this.#handlers.add(this.routes.command(command).command, handler, session)
  }

  on(
    selector: EventDefinition | readonly EventDefinition[] | string,
    subscriber: (data: never, scope: never) => void | Promise<void>,
    options: SubscribeOptions | undefined,
    session: string | undefined,
  ): Unsubscribe {
    const selectors = [selector]
      .flat()
      .map((one) => (typeof one === 'string' ? one : this.routes.event(one).event.type))
    // Safe to erase: data was parsed with the schema of the event that the public signature paired it with.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const handler = subscriber as Subscriber['handler']
    const entry = new Subscriber(options?.name ?? (subscriber.name || 'anonymous'), handler)
    const table = session === undefined ? this.#listeners : this.#listenersOf(session)
    const remove = table.add(selectors, entry)
    return unsubscribe(() => {
      entry.active = false
      remove()
      if (session !== undefined && table.size === 0) this.#sessionListeners.delete(session)
    })
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options: ExecuteOptions = {},
  ): Promise<z.output<Output>> {
    try {
      return this.#start(command, input, origin, options)
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      return Promise.reject(error)
    }
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt {
    const route = this.routes.event(event)
    const parent = origin.from?.message
    if (this.state === 'stopped' || (this.state === 'draining' && !origin.from)) throw stopped(event.type)

    const parsing = attempt(() => {
      const parsed = parseWith(event.data, data, `The data of ${event.type}`)
      if (!route.losslessData) assertLosslessJson(parsed, `The data of ${event.type}`)
      return parsed
    })
    if (!parsing.ok) {
      this.recorder.note('rejected', { type: event.type, error: failureOf(parsing.error) }, parent)
      throw parsing.error
    }

    const time = this.#now()
    const place = { session: origin.session, turn: origin.from?.turn, parent }
    const create = (content: unknown, id?: string, sameAs?: Message): Message =>
      new Message(
        'event',
        event.type,
        id ?? parent?.childId() ?? this.#rootId(),
        time,
        place,
        content,
        sameAs,
      )
    const key = event.key?.(parsing.value) ?? origin.session ?? ''
    if (event.stream && this.recorder.on) {
      const sender = parent?.id ?? `session ${origin.session ?? ''}`
      const batch = this.batches.messageFor(sender, event.type, () => create(undefined))
      const receipt = this.#deliver(create(parsing.value, batch.id, batch), key, origin.from)
      this.batches.add(sender, event.type, TextDelta.parse(parsing.value).text)
      return receipt
    }
    const message = create(parsing.value)
    this.recorder.message(message, route.maskData ? route.maskData(parsing.value) : parsing.value)
    return this.#deliver(message, key, origin.from)
  }

  /** Until a participant has joined, a command without a handler waits for it instead of failing. */
  waitForJoining(origin: Origin, joining: Promise<void>): void {
    this.#joining.add(origin, joining, (failure) => {
      if (failure) this.recorder.note('attachFailed', { error: failureOf(failure.error) })
      this.#checkIdle()
    })
  }

  #start<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options: ExecuteOptions,
  ): Promise<z.output<Output>> {
    const route = this.routes.command(command)
    if (this.state === 'stopped') throw stopped(command.type)

    const parent = origin.from?.message
    const id = parent?.childId() ?? this.#rootId()
    const turn = command.startsTurn ? id : (options.turn ?? origin.from?.turn)
    const parsing = attempt(() => parseWith(command.input, input, `The input of ${command.type}`))
    const place = { session: origin.session, turn, parent }
    const message = new Message(
      'command',
      command.type,
      id,
      this.#now(),
      place,
      parsing.ok ? parsing.value : undefined,
    )
    const own = this.#ownCancellation(command.type, origin, options)
    const cancellation = own ?? origin.cancellation
    const scope = new MessageScope(this, message, {
      parent: origin.from,
      start: origin.start ?? origin,
      cancellation,
      context: options.context,
    })
    const run = new Run<Input, Output>({
      route,
      message,
      scope,
      startedAt: this.recorder.on ? this.#clock() : undefined,
      own,
    })
    this.runs.add(run)

    const recording = parsing.ok
      ? this.#recordCommand(route, message, parsing.value)
      : this.#recordRefused(route, message, input)
    if (!parsing.ok) return this.#runner.fail(run, parsing.error)
    if (!recording.ok) return this.#runner.fail(run, recording.error)
    if (this.state !== 'running' && !origin.from) return this.#runner.fail(run, stopped(command.type))
    if (own?.reason) return this.#runner.fail(run, own.reason)

    const handler = this.#handlers.find(command.type, message.session)
    if (handler) return this.#runner.run(run, handler)
    return this.#runner.runLater(run, this.#handlerAfterJoining(message, origin))
  }

  async #handlerAfterJoining({ type, session }: Message, origin: Origin): Promise<RegisteredHandler> {
    const handler = await this.#joining.wait(origin.start ?? origin, () => this.#handlers.find(type, session))
    if (handler) return handler
    const cause = this.#joining.failure
    throw new BuslineError(
      'NO_HANDLER',
      `No handler for ${type}. Attach a participant that handles it (bus.attach), or register one (bus.handle), before executing.`,
      { data: { type }, ...(cause === undefined ? {} : { cause }) },
    )
  }

  /** The command's line. What its form for the journal can't hold is refused before the handler runs. */
  #recordCommand<Input extends Schema, Output extends Schema>(
    { command, losslessInput, maskInput }: CommandRoute<Input, Output>,
    message: Message,
    input: z.output<Input>,
  ): Attempt<unknown> {
    if (!this.recorder.on && (command.record || losslessInput)) return { ok: true, value: undefined }
    const form = attempt(() => {
      const data = command.record ? command.record(input, (text) => this.redactor.text(text)) : input
      if (!losslessInput && data !== undefined) assertLosslessJson(data, `The input of ${command.type}`)
      return command.record || !maskInput ? data : maskInput(data)
    })
    this.recorder.message(message, form.ok ? form.value : undefined)
    return form
  }

  /** A refused input is recorded too, as far as JSON can hold it. */
  #recordRefused({ maskInput }: CommandRoute, message: Message, input: unknown): Attempt<unknown> {
    const isJson = attempt(() => assertLosslessJson(input, 'the input'))
    const masked = maskInput ? maskInput(input) : input
    this.recorder.message(message, isJson.ok ? masked : undefined)
    return isJson
  }

  #ownCancellation(
    type: string,
    origin: Origin,
    { signal, timeout }: ExecuteOptions,
  ): Cancellation | undefined {
    // A session with a signal cancels what comes from outside through it; below, whoever waits above is cancelled.
    const inSession = origin.from === undefined && origin.cancellation !== this.root
    if (signal === undefined && timeout === undefined && !inSession) return undefined
    return new Cancellation({
      parent: origin.cancellation,
      signal,
      timeout:
        timeout === undefined ? undefined : { ms: timeout, deadline: this.#now() + timeout, what: type },
    })
  }

  #deliver(message: Message, key: string, publisher: MessageScope | undefined): Receipt {
    const receipt = new Receipt(message.id, publisher)
    const own = message.session === undefined ? undefined : this.#sessionListeners.get(message.session)
    const everywhere = this.#listeners.reachedBy(message.type)
    const inSession = own?.reachedBy(message.type) ?? NOBODY
    receipt.expect([everywhere, inSession], key, everywhere.length + inSession.length)
    for (const subscriber of everywhere) this.mailroom.post({ message, subscriber, key, receipt, publisher })
    for (const subscriber of inSession) this.mailroom.post({ message, subscriber, key, receipt, publisher })
    return receipt
  }

  #forget(run: Run): void {
    this.runs.delete(run)
    this.endedRuns++
    run.own?.[Symbol.dispose]()
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.state !== 'running' && this.idle) this.onIdle()
  }

  #listenersOf(session: string): ListenerTable {
    const table = this.#sessionListeners.get(session) ?? new ListenerTable()
    this.#sessionListeners.set(session, table)
    return table
  }

  #rootId(): string {
    return `${this.#prefix}-${++this.#roots}`
  }
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown }

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, error }
  }
}

function stopped(type: string): BuslineError {
  return new BuslineError('BUS_STOPPED', `The bus is stopping or stopped; ${type} was not accepted.`, {
    data: { type },
  })
}
