import { BuslineError } from 'busline'
import { EXIT } from './exit-codes.ts'

const WORDS = {
  SIGINT: 'with Ctrl-C',
  SIGTERM: 'by SIGTERM',
  SIGHUP: 'because the terminal is gone',
} as const

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, so that the running turn ends and all is flushed. A second Ctrl-C ends
 * the process at once; but not one that comes so soon that it is the same key, which npm may pass on a second time.
 * Returns the undo.
 */
export function stopOnSignals(stop: AbortController): () => void {
  let since = 0
  const listeners = Object.entries(WORDS).map(([name, how]) => {
    const listener = (): void => {
      if (!stop.signal.aborted) {
        since = performance.now()
        stop.abort(cancelled(how))
      } else if (name === 'SIGINT' && performance.now() - since > SAME_KEY_MS) process.exit(EXIT.interrupted)
    }
    process.on(name, listener)
    return { name, listener }
  })
  return () => {
    for (const { name, listener } of listeners) process.off(name, listener)
  }
}

const SAME_KEY_MS = 200

/** The reason with which a turn is cancelled from outside, as the journal tells it. */
export function cancelled(how: string): BuslineError {
  return new BuslineError('CANCELLED', `Cancelled ${how}.`)
}
