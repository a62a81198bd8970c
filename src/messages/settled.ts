/** What has been settled: nothing of it changes any more, so whatever is worked out from it stays true. */
const settled = new WeakSet<object>()

/**
 * Freezes a value all the way down and remembers that. For messages of a history and tools on offer: they are sent with
 * every step, so what they come to (their JSON, their digest, their tokens) is worth keeping, and only of what cannot change.
 */
export function settle<T extends object>(value: T): T {
  if (settled.has(value)) return value
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) settle(inner)
  Object.freeze(value)
  settled.add(value)
  return value
}

/** Whether a value has been settled. */
export function isSettled(value: object): boolean {
  return settled.has(value)
}

/**
 * A function of an object that remembers its answer for those that were settled. For others it works it out each
 * time: somebody may have changed them since.
 */
export function remembering<T extends object, R>(work: (value: T) => R): (value: T) => R {
  const known = new WeakMap<T, { answer: R }>()
  return (value) => {
    const before = known.get(value)
    if (before) return before.answer
    const answer = work(value)
    if (settled.has(value)) known.set(value, { answer })
    return answer
  }
}
