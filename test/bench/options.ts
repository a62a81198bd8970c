import { parseArgs } from 'node:util'
import { groups } from './groups.ts'

export const HELP = `npm run bench -- [GROUP…] [options]

Measures the built package beside its peers, each case in a process of its own, three rounds in turns.
Groups (default: all): ${Object.keys(groups).join(', ')}.

  --quick     each case once with small counts, a table in one process: shows that it still runs, not how fast
  --json      one JSON object a line in place of tables
  --no-build  measures dist as it is
  --help      this text`

export interface Options {
  readonly groups: readonly string[]
  readonly quick: boolean
  readonly json: boolean
  readonly build: boolean
  readonly help: boolean
}

/**
 * Reads the command line.
 *
 * @throws Error with a message for the user
 */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const known = Object.keys(groups)
  const unknown = positionals.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no benchmark "${unknown}". Choose from ${known.join(', ')}.`)
  const { quick, json, help } = values
  return {
    groups: positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known,
    quick,
    json,
    help,
    build: !values['no-build'],
  }
}
