import type { Envelope } from './envelope.ts'
import type { Status } from './recorder.ts'

/** How one execution of a command ended. */
export interface CommandEnd {
  status: Status
  /** Milliseconds from its acceptance to its end. */
  ms: number
  /** The handler, if it came to one. */
  by: string | undefined
}

/** How one delivery of an event ended. */
export interface DeliveryEnd {
  subscriber: string
  outcome: 'delivered' | 'failed' | 'skipped' | 'dropped'
  /** Milliseconds from the publishing to the end of the delivery. */
  ms: number
  /** How often the subscriber was run: more than 1 after retries, 0 if never. */
  attempts: number
}

/**
 * Measures a bus from inside, without the cost of serialised records: for metrics. Like a tap it can't fail delivery:
 * one that throws is taken off, with a note. Called in the middle of the work, so it has to be quick.
 */
export interface Probe {
  commandEnded?(message: Envelope, end: CommandEnd): void
  deliveryEnded?(message: Envelope, end: DeliveryEnd): void
}
