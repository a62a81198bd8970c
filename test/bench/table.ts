/** Measures one figure for each column of its table. */
export type Case = () => Promise<readonly number[]>

/** A figure beside those measured: from a row's figures of a round and those of the first row in the same round. */
export type Relative = (own: readonly number[], first: readonly number[]) => number

/** Cases that are compared with each other; each runs in a process of its own. */
export interface Table {
  readonly head: string
  /** What each case measures, with its unit. */
  readonly columns: readonly string[]
  /** What is worked out from it (default: with one column its multiple of the first case's, ×). */
  readonly relative?: Readonly<Record<string, Relative>>
  readonly cases: Readonly<Record<string, Case>>
  /** Flags that its processes need. */
  readonly flags?: readonly string[]
}

/** How a column is shown as a multiple of the first case's. */
export function multipleOf(column: number): Relative {
  return (own, first) => (own[column] ?? Number.NaN) / (first[column] ?? Number.NaN)
}

/** How much a column is more than the first case's. */
export function beyond(column: number): Relative {
  return (own, first) => (own[column] ?? Number.NaN) - (first[column] ?? Number.NaN)
}

/** Cases that measure one figure. */
export function single(cases: Readonly<Record<string, () => Promise<number>>>): Table['cases'] {
  return Object.fromEntries(
    Object.entries(cases).map(([name, measure]): [string, Case] => [name, async () => [await measure()]]),
  )
}
