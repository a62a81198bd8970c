import type { Scope } from '../bus/scope.ts'
import { heldUpBy } from './held-up-by.ts'
import { wait } from './wait.ts'

/** The right of some work to go on. */
export interface Permit {
  readonly scope: Scope
  /** Of those that wait for a permit, how many its holder can't go on without. */
  awaited: number
}

/** A fixed number of permits, handed on in the order in which they were asked for. */
export class Permits {
  #limit: number
  #queue: number
  #held = new Set<Permit>()
  /** What hands a permit to each of those that wait, in order. */
  #waiting = new Set<() => void>()

  constructor(limit: number, queue: number) {
    this.#limit = limit
    this.#queue = queue
  }

  /** A permit can be taken at once. As every one that is given back goes to who waits, nobody is overtaken. */
  get isFree(): boolean {
    return this.#held.size < this.#limit
  }

  /** As many wait as may. */
  get isFull(): boolean {
    return this.#waiting.size >= this.#queue
  }

  get isIdle(): boolean {
    return this.#held.size === 0
  }

  take(scope: Scope): Permit {
    const permit = { scope, awaited: 0 }
    this.#held.add(permit)
    return permit
  }

  /**
   * Whether no permit can ever come free for a newcomer: if it waited too, every holder would wait for somebody in the
   * queue, so nobody could give one back.
   */
  isHopeless(scope: Scope): boolean {
    const above = heldUpBy(scope, this.#held)
    return [...this.#held].every((permit) => permit.awaited > 0 || above.includes(permit))
  }

  /** Resolves when it is this one's turn; rejects, and leaves the queue, as soon as it is cancelled. */
  wait(scope: Scope): Promise<Permit> {
    const above = heldUpBy(scope, this.#held)
    return wait(scope, (serve) => {
      const hand = (): void => serve(this.take(scope))
      this.#waiting.add(hand)
      for (const permit of above) permit.awaited++
      return () => {
        this.#waiting.delete(hand)
        for (const permit of above) permit.awaited--
      }
    })
  }

  giveBack(permit: Permit): void {
    this.#held.delete(permit)
    const [hand] = this.#waiting
    hand?.()
  }
}
