import { BuslineError } from '../messages/busline-error.ts'
import type { Environment } from './environment.ts'
import { milliseconds } from './milliseconds.ts'
import { onAbort } from './on-abort.ts'
import type { Unsubscribe } from './unsubscribe.ts'

export interface WaitOptions<Data> {
  /** Which event of the type is meant (default: the next one). */
  where?: (data: Data) => boolean
  /** Milliseconds until it rejects with `TIMED_OUT` (default: none). */
  timeout?: number
  /** Rejects with `CANCELLED` when it is aborted. */
  signal?: AbortSignal
}

/** A wait for one event that can be ended from outside. */
export interface Wait<Data> {
  readonly promise: Promise<Data>
  readonly cancel: (reason: BuslineError) => void
}

/** Waits for an event. `subscribe` registers whoever hears it; all that was registered leaves when the wait ends. */
export function waitForEvent<Data>(
  type: string,
  options: WaitOptions<Data>,
  {
    subscribe,
    after,
  }: { subscribe: (hear: (data: Data) => void) => Unsubscribe } & Pick<Environment, 'after'>,
): Wait<Data> {
  const { where = () => true, timeout, signal } = options
  let cancel: (reason: unknown) => void = () => undefined
  const promise = new Promise<Data>((resolve, reject) => {
    const ms = timeout === undefined ? undefined : milliseconds('timeout', timeout)
    const leave: (() => void)[] = []
    const end = (settle: () => void): void => {
      for (const undo of leave.splice(0)) undo()
      settle()
    }
    // What `where` throws is the caller's own error.
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    cancel = (reason) => end(() => reject(reason))
    const abort = (): void =>
      cancel(new BuslineError('CANCELLED', `The wait for ${type} was cancelled.`, { cause: signal?.reason }))
    if (signal?.aborted) return abort()
    leave.push(
      subscribe((data) => {
        try {
          if (where(data)) end(() => resolve(data))
        } catch (error) {
          cancel(error)
        }
      }),
    )
    if (signal) leave.push(onAbort(signal, abort))
    if (ms === undefined) return
    const expire = (): void =>
      cancel(
        new BuslineError('TIMED_OUT', `No ${type} that fits came within ${timeout} ms.`, {
          data: { timeout },
        }),
      )
    leave.push(after(ms, expire))
  })
  return { promise, cancel: (reason) => cancel(reason) }
}

/** A wait that is over before it began. Like every wait it crashes nothing when its caller drops it. */
export function refusedWait(reason: BuslineError): Promise<never> {
  const refused = Promise.reject(reason)
  refused.catch(() => undefined)
  return refused
}
