import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import { failureOf } from '../messages/failure.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import type { Attempt } from './attempt.ts'
import { Cancellation } from './cancellation.ts'
import { recordCommand, recordRefused } from './command-lines.ts'
import { CommandRunner } from './command-runner.ts'
import type { Core } from './core.ts'
import { Message } from './envelope.ts'
import { HandlerTable, type RegisteredHandler } from './handler-table.ts'
import { Joining } from './joining.ts'
import { CommandScope, type Dispatcher, type Origin } from './message-scope.ts'
import { milliseconds } from './milliseconds.ts'
import type { CommandRoute } from './routes.ts'
import { Run, RunningList } from './run.ts'
import type { ExecuteOptions } from './scope.ts'

const NO_OPTIONS: ExecuteOptions = {}

/** Takes commands to their handlers: parse, record, then run. */
export class Commands {
  readonly handlers = new HandlerTable()
  readonly runs = new RunningList()
  ended = 0
  #core: Core
  #dispatcher: Dispatcher
  #runner: CommandRunner
  #joining = new Joining()
  #onIdle: () => void

  constructor(parts: { core: Core; dispatcher: Dispatcher; onIdle: () => void }) {
    const { core, dispatcher, onIdle } = parts
    this.#core = core
    this.#dispatcher = dispatcher
    this.#onIdle = onIdle
    this.#runner = new CommandRunner({ core, runs: this.runs, onEnd: (run) => this.#forget(run) })
  }

  get idle(): boolean {
    return this.runs.size === 0 && this.#joining.isEmpty
  }

  /** Until a participant has joined, a command without a handler waits for it instead of failing. */
  waitForJoining(origin: Origin, joining: Promise<void>): void {
    this.#joining.add(origin, joining, (failure) => {
      if (failure) this.#core.recorder.note('attachFailed', { error: failureOf(failure.error) })
      this.#onIdle()
    })
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options: ExecuteOptions = NO_OPTIONS,
  ): Promise<z.output<Output>> {
    try {
      return this.#start(this.#core.routes.command(command), input, origin, options)
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      return Promise.reject(error)
    }
  }

  /** Ends a command that a stop can wait for no longer. */
  giveUp(run: Run, reason: BuslineError): void {
    this.#runner.giveUp(run, reason)
  }

  /** Ends what still runs below a part of some work that was given up. */
  giveUpBelow(cancellation: Cancellation, reason: BuslineError): void {
    this.#runner.giveUpBelow(cancellation, reason)
  }

  #start<Input extends Schema, Output extends Schema>(
    route: CommandRoute<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options: ExecuteOptions,
  ): Promise<z.output<Output>> {
    const core = this.#core
    const { command } = route
    const { from, session } = origin
    const timeout = options.timeout === undefined ? undefined : milliseconds('timeout', options.timeout)
    const refusal = core.refusal(command.type, from)
    // Once the journal is closed there is nowhere to record it.
    if (refusal && core.state === 'stopped') throw refusal

    const parent = from?.message
    const id = parent === undefined ? core.rootId() : parent.childId()
    const turn = command.startsTurn ? id : (options.turn ?? from?.turn)
    let failure: Attempt<unknown> | undefined
    let parsed: z.output<Input> | undefined
    try {
      parsed = parseWith(command.input, input, route.inputName)
    } catch (error) {
      failure = { ok: false, error }
    }
    const message = new Message('command', command.type, id, core.stamp(), session, turn, parent, parsed)
    const own = this.#ownCancellation(command.type, origin, timeout, options.signal)
    const scope = new CommandScope(
      this.#dispatcher,
      message,
      origin,
      own ?? origin.cancellation,
      options.context,
    )
    const run = new Run<Input, Output>(route, message, scope, this.#startedAt(), own)
    this.runs.add(run)
    const { tracker } = scope
    if (tracker) {
      tracker.begin()
      tracker.message(message)
    }

    if (failure) recordRefused(core, route, message, input)
    else failure = recordCommand(core, route, message, parsed)
    if (refusal) {
      // It never was work that a stop could have waited for.
      this.ended--
      return this.#runner.fail(run, refusal)
    }
    if (failure && !failure.ok) return this.#runner.fail(run, failure.error)
    const tooDeep = from && core.tooDeep(command.type, from)
    if (tooDeep) return this.#runner.fail(run, tooDeep)
    if (own?.reason) return this.#runner.fail(run, own.reason)
    if (own && !parent) own.beforeCancel((reason) => this.#noteCancel(message, reason))

    const handler = this.#handlerOf(message, command)
    if (handler) return this.#runner.run(run, handler)
    return this.#runner.runLater(run, this.#handlerAfterJoining(message, origin))
  }

  #handlerOf(message: Message, command: CommandDefinition): RegisteredHandler | undefined {
    const { replaying } = this.#core
    const answering = replaying?.handlerFor(message, command)
    if (answering) return answering
    const handler = this.handlers.find(message.type, message.session)
    if (!replaying || !handler) return handler
    return { ...handler, run: (input, scope) => replaying.around(message, () => handler.run(input, scope)) }
  }

  async #handlerAfterJoining({ type, session }: Message, origin: Origin): Promise<RegisteredHandler> {
    const handler = await this.#joining.wait(origin.start, () => this.handlers.find(type, session))
    if (handler) return handler
    const cause = this.#joining.failure
    throw new BuslineError(
      'NO_HANDLER',
      `No handler for ${type}. Attach a participant that handles it (bus.attach), or register one (bus.handle), before executing.`,
      { data: { type }, ...(cause === undefined ? {} : { cause }) },
    )
  }

  #ownCancellation(
    type: string,
    origin: Origin,
    timeout: number | undefined,
    signal: AbortSignal | undefined,
  ): Cancellation | undefined {
    // A session with a signal cancels what comes from outside through it; below, whoever waits above is cancelled.
    const inSession = origin.from === undefined && origin.cancellation !== this.#core.root
    if (signal === undefined && timeout === undefined && !inSession) return undefined
    return new Cancellation({
      parent: origin.cancellation,
      signal,
      timeout:
        timeout === undefined ? undefined : { ms: timeout, what: type, environment: this.#core.environment },
    })
  }

  /** Nothing else tells when a caller outside cancelled, or ran out of patience; that a bus stops is told otherwise. */
  #noteCancel(message: Message, reason: BuslineError): void {
    const { recorder, batches, root } = this.#core
    if (root.reason || !recorder.on) return
    // What was streamed before stands before it.
    batches.flushParts()
    recorder.note('cancelRequested', { reason: failureOf(reason) }, message)
  }

  /** Reading a clock costs as much as running a small handler, so only if somebody wants to know. */
  #startedAt(): number | undefined {
    const { recorder, probes, environment } = this.#core
    return recorder.on || probes.any ? environment.elapsed() : undefined
  }

  #forget(run: Run): void {
    this.runs.remove(run)
    this.ended++
    run.own?.[Symbol.dispose]()
    run.scope.tracker?.end()
    if (this.runs.size === 0) this.#onIdle()
  }
}
