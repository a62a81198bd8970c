import { GRACE_MS } from '../bus/cancellation.ts'
import { MessageScope } from '../bus/message-scope.ts'
import type { Scope } from '../bus/scope.ts'
import { cancelReason } from './cancel-reason.ts'
import { onCancel } from './on-cancel.ts'

/**
 * What a run comes to for those that joined it. `cancelled`: nothing of it goes on, so another may take its place.
 * `leftBehind`: it was given up, and its handler goes on.
 */
export type RunEnd =
  | { readonly how: 'succeeded'; readonly output: unknown }
  | { readonly how: 'failed'; readonly error: unknown }
  | { readonly how: 'cancelled' }
  | { readonly how: 'leftBehind' }

/** The run of a key that others join. */
export class FirstRun {
  readonly input: string
  readonly scope: Scope
  /** Never rejects. */
  readonly end: Promise<RunEnd>
  /** The store knew nothing, so the handler runs. */
  started = false
  /** When it was left behind, in epoch milliseconds. */
  leftBehindAt: number | undefined
  #tell: (end: RunEnd) => void = () => undefined
  #grace: (() => void) | undefined

  constructor(input: string, scope: Scope) {
    this.input = input
    this.scope = scope
    this.end = new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  /** Tells how the work ends; if it goes on for a second after a cancel, that it was left behind. */
  async follow(work: Promise<unknown>): Promise<void> {
    const off = onCancel(this.scope, () => this.#cancelled())
    try {
      this.#tell({ how: 'succeeded', output: await work })
    } catch (error) {
      this.#tell(cancelReason(this.scope) === undefined ? { how: 'failed', error } : { how: 'cancelled' })
    } finally {
      off()
      this.#grace?.()
    }
  }

  #cancelled(): void {
    // It still reads the store, after which it begins nothing.
    if (!this.started) return this.#tell({ how: 'cancelled' })
    const leaveBehind = (): void => {
      this.leftBehindAt = this.scope.now()
      this.#tell({ how: 'leftBehind' })
    }
    if (this.scope instanceof MessageScope) this.#grace = this.scope.environment.after(GRACE_MS, leaveBehind)
    else leaveBehind()
  }
}
