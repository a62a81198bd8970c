// Longer than 200 lines: the ways in which one command can end, of which exactly one is taken.
import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import { GRACE_MS, type Cancellation } from './cancellation.ts'
import type { Core } from './core.ts'
import type { RegisteredHandler } from './handler-table.ts'
import { isThenable } from './is-thenable.ts'
import { NO_OUTPUT, type Leaf } from './middleware.ts'
import type { Status } from './recorder.ts'
import { statusOf, type Run, type RunningList } from './run.ts'

/** Runs handlers and writes each command's one terminal record. */
export class CommandRunner {
  #core: Core
  #runs: RunningList
  #onEnd: (run: Run) => void

  constructor(parts: { core: Core; runs: RunningList; onEnd: (run: Run) => void }) {
    this.#core = parts.core
    this.#runs = parts.runs
    this.#onEnd = parts.onEnd
  }

  /**
   * Runs the handler, through the onion if there is one, after the barrier that an effect needs. The result is
   * parsed, recorded and handed on; whatever is thrown is recorded and rejects as it is.
   */
  run<Input extends Schema, Output extends Schema>(
    run: Run<Input, Output>,
    handler: RegisteredHandler,
  ): Promise<z.output<Output>> {
    const { effect, startsTurn } = run.route.command
    if (effect) return this.runLater(run, Promise.resolve(handler))
    try {
      const outcome = this.#call(run, handler)
      if (isThenable(outcome)) return this.#settle(run, outcome)
      // Given up while its handler ran, by what that did itself.
      if (run.ended) return this.fail(run, run.failure)
      if (startsTurn) return this.#settle(run, Promise.resolve(outcome))
      return Promise.resolve(this.#succeed(run, outcome))
    } catch (error) {
      return this.fail(run, error)
    }
  }

  /** The same for a handler that may still be on its way; meanwhile the command can be cancelled. */
  runLater<Input extends Schema, Output extends Schema>(
    run: Run<Input, Output>,
    finding: Promise<RegisteredHandler>,
  ): Promise<z.output<Output>> {
    return this.#settle(run, this.#whenReady(run, finding))
  }

  /** Ends a command with an error: its terminal record, then the rejection. */
  fail(run: Run, error: unknown): Promise<never> {
    this.#end(run, statusOf(run, error), undefined, error)
    // The handler's own error object, whatever it is: callers match on what was thrown.
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    return Promise.reject(run.failure)
  }

  async #whenReady(run: Run, finding: Promise<RegisteredHandler>): Promise<unknown> {
    const handler = await finding
    if (run.route.command.effect) await this.#core.recorder.flush()
    // Given up while it waited: it has its terminal record, so nothing may happen any more.
    return run.ended ? undefined : this.#call(run, handler)
  }

  #settle<Input extends Schema, Output extends Schema>(
    run: Run<Input, Output>,
    outcome: PromiseLike<unknown>,
  ): Promise<z.output<Output>> {
    return new Promise((resolve, reject) => {
      run.reject = reject
      if (run.ended) reject(run.failure)
      try {
        outcome.then(
          (value) => this.#settled(run, value, resolve),
          (error: unknown) => this.#failed(run, error),
        )
      } catch (error) {
        // What only looks like a promise may throw here.
        this.#failed(run, error)
      }
      if (run.own) this.#giveUpWhenCancelled(run, run.own)
    })
  }

  #settled<Output extends Schema>(
    run: Run<Schema, Output>,
    value: unknown,
    resolve: (output: z.output<Output>) => void,
  ): void {
    if (run.ended) return
    try {
      const output = this.#succeed(run, value)
      // What a turn returns has been promised to somebody: it must not be lost after that.
      if (run.route.command.startsTurn) void this.#resolveWhenSafe(run, () => resolve(output))
      else resolve(output)
    } catch (error) {
      this.#failed(run, error)
    }
  }

  async #resolveWhenSafe(run: Run, resolve: () => void): Promise<void> {
    try {
      await this.#core.recorder.flush()
      resolve()
    } catch (error) {
      run.reject?.(error)
    }
  }

  #failed(run: Run, error: unknown): void {
    this.#end(run, statusOf(run, error), undefined, error)
    run.reject?.(error)
  }

  /** Rejects what the caller waits for, whatever the handler does. */
  giveUp(run: Run, reason: BuslineError): void {
    if (!run.ended) this.#failed(run, reason)
  }

  /** Gives up what still runs below a cancellation: nobody waits for it any more. Children before their parents. */
  giveUpBelow(cancellation: Cancellation, reason: BuslineError): void {
    const below = [...this.#runs].filter(({ scope }) => scope.cancellation.isWithin(cancellation))
    for (const run of below.toReversed()) this.giveUp(run, reason)
  }

  /**
   * At once if nobody ever looked at the signal; otherwise after a grace period, because a handler may be cleaning
   * up.
   */
  #giveUpWhenCancelled(run: Run, own: Cancellation): void {
    own.onCancel(() => {
      const giveUp = (): void => {
        if (!own.reason) return
        if (run.message.hasChildren) this.giveUpBelow(own, own.reason)
        this.giveUp(run, own.reason)
      }
      if (own.seen) run.grace = this.#core.environment.after(GRACE_MS, giveUp)
      else giveUp()
    })
  }

  /** The handler, inside of the middleware that applies. */
  #call(run: Run, handler: RegisteredHandler): unknown {
    const { message, scope } = run
    const { onion } = run.route
    run.by = handler.name || undefined
    if (!onion) {
      message.begun = true
      return handler.run(message.data, scope)
    }

    let reached = false
    const leaf: Leaf = (_, inner) => {
      // Given up while a layer took its time: it has its terminal record, so nothing may happen any more.
      if (run.ended)
        throw (
          run.scope.cancellation.reason ??
          new BuslineError('CANCELLED', `${message.type} has ended; its handler does not run any more.`)
        )
      reached = true
      message.begun = true
      return handler.run(message.data, inner)
    }
    let by = ''
    const onHeld = (layer: string): void => void (by = layer)
    return Promise.resolve(onion(message, scope, leaf, onHeld)).then((output) => {
      if (output === NO_OUTPUT) return undefined
      if (reached || output !== undefined) return output
      throw new BuslineError(
        'FILTERED',
        `The middleware ${by || 'without a name'} held ${message.type} back: it neither called next nor answered.`,
        { data: { middleware: by } },
      )
    })
  }

  #succeed<Output extends Schema>(run: Run<Schema, Output>, outcome: unknown): z.output<Output> {
    const { command, losslessOutput, maskOutput, resultName } = run.route
    const output = parseWith(command.output, outcome, resultName, 'INVALID_OUTPUT')
    if (command.recordOutput) {
      const form = this.#core.recorder.on ? command.recordOutput(output) : undefined
      if (form !== undefined) assertLosslessJson(form, resultName)
      this.#end(run, 'ok', form, undefined)
      return output
    }
    if (output !== undefined && !losslessOutput) assertLosslessJson(output, resultName)
    this.#end(run, 'ok', maskOutput ? maskOutput(output) : output, undefined)
    return output
  }

  #end(run: Run, status: Status, output: unknown, error: unknown): void {
    if (run.ended) return
    run.ended = true
    run.failure = error
    run.scope.running = false
    run.grace?.()
    const { recorder, batches, probes, environment } = this.#core
    if (run.startedAt !== undefined || recorder.on) {
      // An injected clock may go backwards; nothing takes less than no time.
      const ms = run.startedAt === undefined ? undefined : Math.max(0, environment.elapsed() - run.startedAt)
      if (recorder.on) {
        batches.flush(run.message.id)
        recorder.result(run.route.typeJson, run.message, { status, ms, by: run.by, output, error })
      }
      if (probes.any && ms !== undefined) probes.commandEnded(run.message, status, ms, run.by)
    }
    this.#onEnd(run)
  }
}
