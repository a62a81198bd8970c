/** How a circuit decides; times in milliseconds. */
export interface CircuitPlan {
  readonly failures: number
  readonly window: number
  readonly cooldown: number
  readonly probes: number
}

export type CircuitState = 'closed' | 'open' | 'half-open'

/** How a call ended, as far as the circuit is concerned: a withdrawn one tells nothing. */
export type CallEnd = 'succeeded' | 'failed' | 'withdrawn'

/** One stay in one state. A call holds the phase in which it was let in: what it comes to matters to that one only. */
export interface Phase {
  readonly state: CircuitState
  /** When it began; when half-open, when the last probe did. */
  since: number
  running: number
  succeeded: number
  /** When calls failed; of an open circuit, those that opened it. */
  failedAt: readonly number[]
}

/**
 * Closed, it lets everything through until `failures` calls have failed within `window`. Open, it lets nothing through
 * for `cooldown`. Half-open, it lets through up to `probes` calls at once: when that many have succeeded it closes, when
 * one fails it opens again. A probe that takes longer than `cooldown` is not waited for.
 */
export class Circuit {
  #plan: CircuitPlan
  #phase: Phase = phase('closed', 0)

  constructor(plan: CircuitPlan) {
    this.#plan = plan
  }

  get state(): CircuitState {
    return this.#phase.state
  }

  /** How many failures it counts. */
  get failures(): number {
    return this.#phase.failedAt.length
  }

  /** Closed, and no call goes on. */
  get isIdle(): boolean {
    return this.#phase.state === 'closed' && this.#phase.running === 0
  }

  /** Lets a call in; what comes back goes to {@link Circuit.leave}. For a call that is refused: milliseconds to wait. */
  enter(now: number): Phase | number {
    const { state, running, succeeded } = this.#phase
    const isShut = state === 'open' || (state === 'half-open' && running + succeeded >= this.#plan.probes)
    if (isShut) {
      // A clock that was set back must not hold the circuit for longer than a cooldown.
      this.#phase.since = Math.min(this.#phase.since, now)
      const wait = this.#phase.since + this.#plan.cooldown - now
      if (wait > 0) return wait
      this.#phase = phase('half-open', now)
    }
    if (this.#phase.state === 'half-open') this.#phase.since = now
    this.#phase.running++
    return this.#phase
  }

  /** A call has ended. */
  leave(entered: Phase, end: CallEnd, now: number): void {
    entered.running--
    if (entered !== this.#phase || end === 'withdrawn') return
    if (end === 'failed') return this.#failed(entered, now)
    entered.succeeded++
    if (entered.state === 'half-open' && entered.succeeded >= this.#plan.probes)
      this.#phase = phase('closed', now)
  }

  #failed(entered: Phase, now: number): void {
    const { window, failures } = this.#plan
    entered.failedAt = [...entered.failedAt.filter((time) => now - time < window), now]
    if (entered.state === 'half-open' || entered.failedAt.length >= failures)
      this.#phase = { ...phase('open', now), failedAt: entered.failedAt }
  }
}

function phase(state: CircuitState, since: number): Phase {
  return { state, since, running: 0, succeeded: 0, failedAt: [] }
}
