/**
 * Cases in a process of their own: `case.ts GROUP TABLE NAME…`, the table by its number. Prints an outcome a line, as
 * JSON; see `outcome.ts`.
 */
import { groups } from './groups.ts'
import type { Outcome } from './outcome.ts'
import type { Table } from './table.ts'

const [group = '', number = '', ...names] = process.argv.slice(2)
const table = (await groups[group]?.())?.[Number(number)]
for (const name of names) console.log(JSON.stringify(await outcome(table, name)))

async function outcome(table: Table | undefined, name: string): Promise<Outcome> {
  try {
    const measure = table?.cases[name]
    if (measure === undefined) throw new Error(`There is no case ${group} ${number} ${name}.`)
    return { figures: await measure() }
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
