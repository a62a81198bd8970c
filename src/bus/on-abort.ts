interface Waiting {
  readonly runs: Set<() => void>
  readonly leave: () => void
}

const waiting = new WeakMap<AbortSignal, Waiting>()

/**
 * Runs something when a signal is aborted; returns how to prevent it. However many wait, the signal has one listener: Node
 * takes more than ten for a leak, and a caller may well share one signal among hundreds of calls.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const { runs, leave } = waiting.get(signal) ?? listen(signal)
  runs.add(run)
  return () => {
    if (runs.delete(run) && runs.size === 0) leave()
  }
}

function listen(signal: AbortSignal): Waiting {
  const runs = new Set<() => void>()
  const abort = (): void => {
    leave()
    for (const run of runs) run()
  }
  const leave = (): void => {
    signal.removeEventListener('abort', abort)
    waiting.delete(signal)
  }
  signal.addEventListener('abort', abort)
  const entry = { runs, leave }
  waiting.set(signal, entry)
  return entry
}
