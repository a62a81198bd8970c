/** A function that has `work` done at the end of the running tick, once, however often it is called until then. */
export function onceATick(work: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      work()
    })
  }
}
