/** How the deliveries of one event ended. */
export interface SettledReport {
  delivered: number
  failed: number
  /** Not delivered because a middleware held it back, or because the subscriber had left. */
  skipped: number
  /** Not delivered because a mailbox was full. */
  dropped: number
}

/**
 * Proof that an event was accepted and recorded. Not a promise: nothing to forget, nothing to leave unhandled.
 */
export interface Receipt {
  /** The event's id. */
  readonly id: string
  /**
   * Resolves when every mailbox has taken the event; rejects with `MAILBOX_FULL` when one refused it (the others got
   * it). Await it to publish no faster than the subscribers of a `wait` mailbox can take.
   */
  readonly accepted: Promise<void>
  /**
   * Resolves when this event's own deliveries have ended; never rejects. Read inside a delivery that it depends
   * on, it throws `SELF_WAIT`, because waiting there would never end.
   */
  readonly settled: Promise<SettledReport>
}
