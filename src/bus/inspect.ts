import type { BusState } from './core.ts'

/** What a bus is doing at one moment: plain data, for metrics and for finding out what hangs. */
export interface BusSnapshot {
  readonly state: BusState
  /** Commands that have not ended, in the order in which they began. */
  readonly running: readonly RunningCommand[]
  /** Deliveries that have begun and not ended. */
  readonly delivering: number
  /** Events that wait for a subscriber: behind a delivery of their key, or for their turn. Nobody with none. */
  readonly queued: readonly { readonly subscriber: string; readonly waiting: number }[]
}

export interface RunningCommand {
  readonly id: string
  readonly type: string
  readonly session: string | undefined
  /** Epoch milliseconds at which it was accepted. */
  readonly since: number
  /** The handler, once it has come to one. */
  readonly by: string | undefined
}
