import { failureOf } from '../messages/failure.ts'
import type { Core } from './core.ts'
import { isThenable } from './is-thenable.ts'
import { milliseconds } from './milliseconds.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** The timers that users set: a failing one is noted, and none outlives the bus. */
export class Timers {
  #core: Core
  #waiting = new Set<Unsubscribe>()

  constructor(core: Core) {
    this.#core = core
  }

  set(ms: number, run: () => void): Unsubscribe {
    const { state, recorder, environment } = this.#core
    if (state === 'stopped') return unsubscribe(() => undefined)
    const failed = (error: unknown): void => recorder.note('timerFailed', { error: failureOf(error) })
    const prevent = environment.after(milliseconds('after', ms), () => {
      this.#waiting.delete(off)
      try {
        const outcome: unknown = run()
        if (isThenable(outcome)) outcome.then(undefined, failed)
      } catch (error) {
        failed(error)
      }
    })
    const off = unsubscribe(() => {
      this.#waiting.delete(off)
      prevent()
    })
    this.#waiting.add(off)
    return off
  }

  /** Takes all of them back. */
  clear(): void {
    for (const off of this.#waiting) off()
  }
}
