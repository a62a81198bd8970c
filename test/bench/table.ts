/** Measures one figure for each column of its table. */
export type Case = () => Promise<readonly number[]>

/** Cases that are compared with each other; each runs in a process of its own. */
export interface Table {
  readonly head: string
  /** What each case measures, with its unit. With one column there is a × too, relative to the first case. */
  readonly columns: readonly string[]
  readonly cases: Readonly<Record<string, Case>>
  /** Flags that its processes need. */
  readonly flags?: readonly string[]
}

/** Cases that measure one figure. */
export function single(cases: Readonly<Record<string, () => Promise<number>>>): Table['cases'] {
  return Object.fromEntries(
    Object.entries(cases).map(([name, measure]): [string, Case] => [name, async () => [await measure()]]),
  )
}
