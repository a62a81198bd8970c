import type { Cancellation } from './cancellation.ts'
import type { Origin } from './message-scope.ts'
import type { Tracker } from './tracker.ts'

/** Where messages come from that no message caused: a bus, a session, a participant that joins, a tracked call. */
export class Outside implements Origin {
  readonly from = undefined
  readonly session: string | undefined
  readonly cancellation: Cancellation
  readonly tracker: Tracker | undefined

  constructor(cancellation: Cancellation, session?: string, tracker?: Tracker) {
    this.cancellation = cancellation
    this.session = session
    this.tracker = tracker
  }

  get start(): Origin {
    return this
  }
}
