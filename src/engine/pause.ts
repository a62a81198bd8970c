import { onAbort } from '../bus/on-abort.ts'
import type { Turn } from './turn.ts'

/**
 * Waits so many milliseconds of the bus's clock. Rejects with the reason, and leaves no timer, when the turn is cancelled or
 * its work is ended.
 */
export function pause(
  turn: Turn,
  ms: number,
  after: (ms: number, run: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const undo: (() => void)[] = []
    const end = (settle: () => void): void => {
      for (const off of undo) off()
      settle()
    }
    for (const signal of [turn.scope.signal, turn.signal]) {
      // The reason itself, as with every signal.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      const stop = (): void => end(() => reject(signal.reason))
      if (signal.aborted) return stop()
      undo.push(onAbort(signal, stop))
    }
    undo.push(after(ms, () => end(resolve)))
  })
}
