import { onAbort } from '../bus/on-abort.ts'
import type { Turn } from './turn.ts'

/** Waits so many milliseconds of the bus's clock; rejects with the reason when the turn's work is ended meanwhile. */
export async function pause(turn: Turn, ms: number): Promise<void> {
  const { signal } = turn
  if (signal.aborted) throw signal.reason
  let off: () => void = () => undefined
  const ended = new Promise<never>((_resolve, reject) => {
    // The reason itself, as with every signal.
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    off = onAbort(signal, () => reject(signal.reason))
  })
  try {
    await Promise.race([turn.scope.sleep(ms), ended])
  } finally {
    off()
  }
}
