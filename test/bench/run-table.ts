import { runCases } from './run-cases.ts'
import type { Table } from './table.ts'

const ROUNDS = 3

export interface Row {
  readonly name: string
  /** The figures of each round; empty when a case failed. */
  readonly rounds: readonly (readonly number[])[]
  readonly failure?: string
}

/**
 * Runs all cases of a table: each in a process of its own and three times, in turns, so that a noisy minute does not
 * hit one of them alone. `quick`: once, and all in one process, because starting them takes longest.
 *
 * A case that fails is a row that says so; the others go on.
 */
export async function runTable(
  address: { group: string; table: number },
  table: Table,
  options: { quick: boolean },
): Promise<Row[]> {
  const names = Object.keys(table.cases)
  const turns = options.quick
    ? [names]
    : Array.from({ length: ROUNDS }, () => names.map((name) => [name])).flat()
  const rounds = new Map(names.map((name): [string, (readonly number[])[]] => [name, []]))
  const failures = new Map<string, string>()
  for (const turn of turns) {
    const outcomes = await runCases({ ...address, names: turn }, { ...options, flags: table.flags })
    for (const [index, outcome] of outcomes.entries()) {
      const name = turn[index] ?? ''
      if ('failure' in outcome) failures.set(name, outcome.failure)
      else rounds.get(name)?.push(outcome.figures)
    }
  }
  return names.map((name) => {
    const failure = failures.get(name)
    return failure === undefined ? { name, rounds: rounds.get(name) ?? [] } : { name, rounds: [], failure }
  })
}
