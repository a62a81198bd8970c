/**
 * One turn at a time per session, in the order in which they came. A waiting turn whose signal is aborted leaves the
 * queue at once; the others keep their places.
 */
export class TurnQueue {
  #last = new Map<string, Promise<void>>()

  async run<T>(session: string, signal: AbortSignal, turn: () => Promise<T>): Promise<T> {
    const before = this.#last.get(session)
    let release: () => void = () => undefined
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    const tail = (before ?? Promise.resolve()).then(() => mine)
    this.#last.set(session, tail)
    try {
      if (before) await orAborted(before, signal)
      return await turn()
    } finally {
      release()
      if (this.#last.get(session) === tail) this.#last.delete(session)
    }
  }
}

function orAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    void turn.then(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })
}
