/** The benchmarks: `npm run bench -- --help`. */
import { cpus } from 'node:os'
import { groups } from './groups.ts'
import { HELP, readOptions, type Options } from './options.ts'
import { build, installPeers } from './prepare.ts'
import { runTable } from './run-table.ts'
import { jsonLines, markdown } from './show-table.ts'

const options = optionsOrNothing()
if (options?.help === true) console.log(HELP)
else if (options !== undefined) await run(options)

/** A command line that says nothing sensible ends with 2 and a line for whoever typed it. */
function optionsOrNothing(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
    return undefined
  }
}

async function run({ groups: names, quick, json, build: builds }: Options): Promise<void> {
  if (builds) build()
  installPeers()
  if (!json)
    console.log(
      `Node ${process.version}, ${cpus().length} cores. Medians; × is relative to the first row of each table, round by round.\n`,
    )
  for (const group of names) {
    const tables = (await groups[group]?.()) ?? []
    for (const [index, table] of tables.entries()) {
      const rows = await runTable({ group, table: index }, table, { quick })
      console.log(json ? jsonLines(group, table, rows) : markdown(table, rows))
      for (const { name, failure } of rows) {
        if (failure === undefined) continue
        console.error(`${table.head}: ${name} failed.\n${failure}`)
        process.exitCode = 1
      }
    }
  }
}
