import type { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'
import type { Cancellation } from './cancellation.ts'
import type { Message } from './envelope.ts'
import type { MessageScope } from './message-scope.ts'
import type { CommandRoute } from './routes.ts'

/** One execution of a command on its way from its first line in the journal to its one terminal record. */
export class Run<Input extends Schema = Schema, Output extends Schema = Schema> {
  readonly route: CommandRoute<Input, Output>
  readonly message: Message
  readonly scope: MessageScope
  /** A reading of the runner's clock; undefined while nothing was recorded. */
  readonly startedAt: number | undefined
  /** Its own node of the cancel tree, if it was given a signal or a timeout. */
  readonly own: Cancellation | undefined
  by: string | undefined
  ended = false
  /** Rejects what the caller waits for, whatever the handler does. */
  giveUp: ((reason: BuslineError) => void) | undefined
  /** Runs while a cancelled handler may still clean up. */
  grace: NodeJS.Timeout | undefined

  constructor(parts: {
    route: CommandRoute<Input, Output>
    message: Message
    scope: MessageScope
    startedAt: number | undefined
    own: Cancellation | undefined
  }) {
    this.route = parts.route
    this.message = parts.message
    this.scope = parts.scope
    this.startedAt = parts.startedAt
    this.own = parts.own
  }
}
