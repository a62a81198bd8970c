import { setMaxListeners } from 'node:events'
import { BuslineError } from '../messages/busline-error.ts'
import type { Environment } from './environment.ts'
import { onAbort } from './on-abort.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** After a cancel, how long a handler that watches its signal may clean up before it is given up. */
export const GRACE_MS = 1000

/**
 * One node of the cancel tree: bus, session, or a command that was given a signal or timeout of its own. The
 * AbortController is made when a handler first reads `signal`: making one per call costs 4 µs, and most handlers
 * never look.
 */
export class Cancellation implements Disposable {
  readonly deadline: number | undefined
  #parent: Cancellation | undefined
  #children = new Set<Cancellation>()
  #controller: AbortController | undefined
  #reason: BuslineError | undefined
  #beforeCancel: ((reason: BuslineError) => void) | undefined
  #onCancel: (() => void) | undefined
  #seen = false
  #disposed = false
  #timer: Unsubscribe | undefined
  #unlink: (() => void) | undefined

  constructor(options: {
    parent?: Cancellation | undefined
    signal?: AbortSignal | undefined
    timeout?: { ms: number; what: string; environment: Environment } | undefined
  }) {
    const { parent, signal, timeout } = options
    this.#parent = parent
    const inherited = parent?.deadline
    this.deadline = timeout
      ? Math.min(timeout.environment.now() + timeout.ms, inherited ?? Infinity)
      : inherited
    if (parent) {
      parent.#children.add(this)
      if (parent.#reason) this.cancel(parent.#reason)
    }
    if (signal) this.#link(signal)
    if (timeout && !this.#reason) {
      const { ms, what, environment } = timeout
      const expire = (): void =>
        this.cancel(
          new BuslineError('TIMED_OUT', `${what} took longer than its timeout of ${ms} ms.`, {
            data: { timeout: ms },
          }),
        )
      this.#timer = environment.after(ms, expire)
    }
  }

  get signal(): AbortSignal {
    this.markSeen()
    if (!this.#controller) {
      this.#controller = new AbortController()
      // Everything that waits below listens to it, so more than ten listeners are no leak.
      setMaxListeners(0, this.#controller.signal)
      if (this.#reason) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Why it was cancelled, undefined while it wasn't. */
  get reason(): BuslineError | undefined {
    return this.#reason
  }

  /** Whether anyone below has read the signal, and so may be cleaning up after it. */
  get seen(): boolean {
    return this.#seen
  }

  /** Whether it is the other one, or below it. */
  isWithin(other: Cancellation): boolean {
    return this === other || (this.#parent?.isWithin(other) ?? false)
  }

  /** Called when it is cancelled from now on, before anybody hears of that. */
  beforeCancel(listener: (reason: BuslineError) => void): void {
    this.#beforeCancel = listener
  }

  onCancel(listener: () => void): void {
    this.#onCancel = listener
    if (this.#reason) listener()
  }

  cancel(reason: BuslineError): void {
    if (this.#reason) return
    this.#reason = reason
    this.#beforeCancel?.(reason)
    this.#controller?.abort(reason)
    for (const child of this.#children) child.cancel(reason)
    this.#onCancel?.()
  }

  [Symbol.dispose](): void {
    this.#timer?.()
    this.#unlink?.()
    this.#onCancel = undefined
    this.#disposed = true
    this.#leaveWhenEmpty()
  }

  /** One that was disposed before what runs below it passes a cancel on until that has ended. */
  #leaveWhenEmpty(): void {
    if (!this.#disposed || this.#children.size > 0 || !this.#parent) return
    this.#parent.#children.delete(this)
    this.#parent.#leaveWhenEmpty()
  }

  /** Notes that somebody below has read the signal. */
  private markSeen(): void {
    if (this.#seen) return
    this.#seen = true
    this.#parent?.markSeen()
  }

  #link(signal: AbortSignal): void {
    const abort = (): void =>
      this.cancel(
        signal.reason instanceof BuslineError
          ? signal.reason
          : new BuslineError('CANCELLED', 'The caller cancelled it.', { cause: signal.reason }),
      )
    if (signal.aborted) return abort()
    this.#unlink = onAbort(signal, abort)
  }
}
