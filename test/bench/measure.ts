/** Runs each case once with small counts; to see that it still runs, not how fast. Inherited from `run.ts`. */
export const quick = process.env['BENCH_QUICK'] === '1'

/** A count, or what is left of it when nobody reads the figures. */
export function scaled(count: number): number {
  return quick ? Math.min(count, 1000) : count
}

/** The middle of several rounds; machines are noisy, medians less so. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const ROUNDS = 7
const ROUND_MS = 100

type Round = (count: number) => Promise<void>

/**
 * Calls per second: the median of seven rounds after one to warm up. `round` makes `count` calls and waits for their
 * end; `after` checks it off the clock.
 */
export async function rate(count: number, round: Round, after?: Round): Promise<number> {
  const calls = scaled(count)
  const rates: number[] = []
  for (let index = quick ? 0 : -1; index < (quick ? 1 : ROUNDS); index++) {
    const perSecond = await roundRate(calls, round)
    await after?.(calls)
    if (index >= 0) rates.push(perSecond)
  }
  return median(rates)
}

/** Calls per second of one round. */
export async function roundRate(count: number, round: Round): Promise<number> {
  const started = performance.now()
  await round(count)
  return (count / (performance.now() - started)) * 1000
}

/** How many calls a round of {@link rate} takes to last 100 to 200 ms, so that slow and fast cases cost the same time. */
export async function fitting(round: Round): Promise<number> {
  if (quick) return 1000
  for (let count = 1000; ; count *= 2) {
    const started = performance.now()
    await round(count)
    if (performance.now() - started > ROUND_MS) return count
  }
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
