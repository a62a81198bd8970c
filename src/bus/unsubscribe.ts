/** Undoes a registration. Safe to call twice; works with `using`. */
export interface Unsubscribe extends Disposable {
  (): void
}

/** Makes the undo of a registration; `undo` runs at most once. */
export function unsubscribe(undo: () => void): Unsubscribe {
  let done = false
  const off = (): void => {
    if (done) return
    done = true
    undo()
  }
  return Object.assign(off, { [Symbol.dispose]: off })
}
