import { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'
import type { Cancellation } from './cancellation.ts'
import type { Message } from './envelope.ts'
import type { CommandScope } from './message-scope.ts'
import type { Status } from './recorder.ts'
import type { CommandRoute } from './routes.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** One execution of a command on its way from its first line in the journal to its one terminal record. */
export class Run<Input extends Schema = Schema, Output extends Schema = Schema> {
  readonly route: CommandRoute<Input, Output>
  readonly message: Message
  readonly scope: CommandScope
  /** Milliseconds of the monotonic clock; undefined while nobody wants to know. */
  readonly startedAt: number | undefined
  /** Its own node of the cancel tree, if it was given a signal or a timeout. */
  readonly own: Cancellation | undefined
  by: string | undefined
  ended = false
  /** What it ended with, if not well. */
  failure: unknown
  /** Rejects what the caller waits for, while it waits. */
  reject: ((reason: unknown) => void) | undefined
  /** Its neighbours among those that run; see {@link RunningList}. */
  before: Run | undefined
  after: Run | undefined
  /** Runs while a cancelled handler may still clean up. */
  grace: Unsubscribe | undefined

  constructor(
    route: CommandRoute<Input, Output>,
    message: Message,
    scope: CommandScope,
    startedAt: number | undefined,
    own: Cancellation | undefined,
  ) {
    this.route = route
    this.message = message
    this.scope = scope
    this.startedAt = startedAt
    this.own = own
  }
}

/** What the journal says of an execution that failed with this. */
export function statusOf(run: Run, error: unknown): Status {
  const code = error instanceof BuslineError ? error.code : undefined
  const reason = run.scope.cancellation.reason
  if (code === 'TIMED_OUT') return 'timeout'
  if (code === 'CANCELLED' || code === 'ABANDONED') return 'cancelled'
  if (!reason) return 'error'
  return reason.code === 'TIMED_OUT' ? 'timeout' : 'cancelled'
}

/** The executions that have not ended, in the order in which they began. Linked, because a Set costs a tenth of a call. */
export class RunningList {
  #first: Run | undefined
  #last: Run | undefined
  size = 0

  add(run: Run): void {
    run.before = this.#last
    if (this.#last) this.#last.after = run
    else this.#first = run
    this.#last = run
    this.size++
  }

  remove(run: Run): void {
    if (run.before) run.before.after = run.after
    else this.#first = run.after
    if (run.after) run.after.before = run.before
    else this.#last = run.before
    this.size--
  }

  *[Symbol.iterator](): Iterator<Run> {
    for (let run = this.#first; run; run = run.after) yield run
  }
}
