/** The middle of several rounds; machines are noisy, medians less so. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const ROUNDS = 7

/** Calls per second: the median of seven rounds after one to warm up. `round` makes `count` calls and waits for their end. */
export async function rate(count: number, round: (count: number) => Promise<void>): Promise<number> {
  await round(count)
  const rates: number[] = []
  for (let index = 0; index < ROUNDS; index++) {
    const started = performance.now()
    await round(count)
    rates.push((count / (performance.now() - started)) * 1000)
  }
  return median(rates)
}

/** Milliseconds of one call: the median of `count` calls, one after another, after a tenth as many to warm up. */
export async function time(count: number, call: (index: number) => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let index = -Math.ceil(count / 10); index < count; index++) {
    const started = performance.now()
    await call(index)
    if (index >= 0) times.push(performance.now() - started)
  }
  return median(times)
}
