export type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown }

/** What came of some work, its failure as data. */
export function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, error }
  }
}
