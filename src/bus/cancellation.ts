import { BuslineError } from '../messages/busline-error.ts'

/** The longest that a timer can wait (24.8 days); Node would end a longer one at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

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
  #onCancel: (() => void) | undefined
  #seen = false
  #disposed = false
  #timer: NodeJS.Timeout | undefined
  #unlink: (() => void) | undefined

  constructor(options: {
    parent?: Cancellation | undefined
    signal?: AbortSignal | undefined
    timeout?: { ms: number; deadline: number; what: string } | undefined
  }) {
    const { parent, signal, timeout } = options
    this.#parent = parent
    const inherited = parent?.deadline
    this.deadline = timeout ? Math.min(timeout.deadline, inherited ?? Infinity) : inherited
    if (parent) {
      parent.#children.add(this)
      if (parent.#reason) this.cancel(parent.#reason)
    }
    if (signal) this.#link(signal)
    if (timeout && timeout.ms <= LONGEST_TIMER && !this.#reason) {
      const { ms, what } = timeout
      const expire = (): void =>
        this.cancel(
          new BuslineError('TIMED_OUT', `${what} took longer than its timeout of ${ms} ms.`, {
            data: { timeout: ms },
          }),
        )
      this.#timer = setTimeout(expire, ms)
    }
  }

  get signal(): AbortSignal {
    this.markSeen()
    if (!this.#controller) {
      this.#controller = new AbortController()
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

  onCancel(listener: () => void): void {
    this.#onCancel = listener
    if (this.#reason) listener()
  }

  cancel(reason: BuslineError): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(reason)
    for (const child of this.#children) child.cancel(reason)
    this.#onCancel?.()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
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
    signal.addEventListener('abort', abort, { once: true })
    this.#unlink = () => signal.removeEventListener('abort', abort)
  }
}
