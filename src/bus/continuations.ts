/** Lets whoever awaits what has just ended go on, however many promises stand between, and cause more. */
export function continuations(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
