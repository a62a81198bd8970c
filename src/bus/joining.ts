import type { Origin } from './message-scope.ts'

/**
 * The participants that are still joining. A command without a handler waits for those that may yet bring one. What a
 * joining participant itself sends does not wait for those that wait like it, nor for itself: that would be a circle.
 */
export class Joining {
  /** Why the last one that failed did; the likely cause of a missing handler. */
  failure: unknown
  #joining = new Map<Origin, Promise<void>>()
  /** Who waits for a handler, and with how many commands. */
  #waiting = new Map<Origin, number>()

  get isEmpty(): boolean {
    return this.#joining.size === 0
  }

  /** Waits for a participant that sends through `origin`; `onEnd` hears of its end, and of the error if it failed. */
  add(
    origin: Origin,
    joining: Promise<void>,
    onEnd: (failure: { error: unknown } | undefined) => void,
  ): void {
    const settled = joining.then(
      () => this.#end(origin, onEnd),
      (error: unknown) => {
        this.failure = error
        this.#end(origin, onEnd, { error })
      },
    )
    this.#joining.set(origin, settled)
  }

  /** What `find` finds, now or after somebody has joined; undefined when nobody is left who could bring it. */
  async wait<T>(origin: Origin, find: () => T | undefined): Promise<T | undefined> {
    this.#count(origin, 1)
    try {
      for (;;) {
        const found = find()
        if (found !== undefined) return found
        // Asked each time: the first statement of a participant runs before anybody knows that it joins slowly.
        const isJoining = this.#joining.has(origin)
        const others = [...this.#joining].filter(([other]) => !isJoining || !this.#waiting.has(other))
        if (others.length === 0) return undefined
        await Promise.race(others.map(([, joined]) => joined))
      }
    } finally {
      this.#count(origin, -1)
    }
  }

  #count(origin: Origin, change: 1 | -1): void {
    const count = (this.#waiting.get(origin) ?? 0) + change
    if (count > 0) this.#waiting.set(origin, count)
    else this.#waiting.delete(origin)
  }

  #end(
    origin: Origin,
    onEnd: (failure: { error: unknown } | undefined) => void,
    failure?: { error: unknown },
  ): void {
    this.#joining.delete(origin)
    onEnd(failure)
  }
}
