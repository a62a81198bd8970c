/**
 * Random numbers from 0 up to 1 that are the same for the same seed.
 *
 * mulberry32 by Tommy Ettinger (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c): 32 bits of
 * state, enough for tests, not for secrets.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Ids of ten characters of `[0-9a-z]` that are the same for the same seed, and differ from one another. */
export function seededIds(seed: number): () => string {
  const random = seededRandom(seed)
  let count = 0
  return () => {
    const digits = Math.floor(random() * 36 ** 6).toString(36)
    return `${digits.padStart(6, '0')}${(count++ % 36 ** 4).toString(36).padStart(4, '0')}`
  }
}
