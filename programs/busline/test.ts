import { EXIT } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { addTest } from './test-add.ts'
import { runTests } from './test-run.ts'

const HELP = `Makes tests of recorded runs, and runs them: each run is replayed with today's code, without network and key.

Examples
  busline test add @latest                          keep the last run as a test
  busline test add RUN --turn 2 --name paris --app ./app.ts#app
  busline test                                      replay all runs in test/runs
  busline test run test/runs --live tool.call --loosen model.call=shape
  busline test --update                             today's code is right: write those that differ anew

Usage: busline test add [RUN] [--turn N] [--name NAME] [--dir DIR] [--app FILE#EXPORT] [--force]
       busline test [run] [DIR] [--app FILE#EXPORT] [--live TYPE]… [--ignore PATH]… [--loosen TYPE=HOW]… [--update] [--json]
add writes DIR/NAME.jsonl, for vitest DIR/NAME.test.ts, and with --app DIR/NAME.json, which remembers the app; run
replays every .jsonl of a folder without vitest, each with the app that it was kept with.
${RUN_HELP}
  --turn N           keep the run up to the end of its turn N
  --name NAME        default: the name of the run
  --dir DIR          default test/runs
  --app FILE#EXPORT  what createApp takes, or a participant without provider and store, for all runs of the folder
                     (default: that of NAME.json, or else the app of busline chat as it was started)
  --force            write over files that are there
  --live TYPE        let this effect's handlers run and compare what they return, e.g. tool.call
  --ignore PATH      a value that may differ: data.hash, output.toolCalls[*].id, model.call:data.temperature
  --loosen TYPE=HOW  how much of a type has to be as recorded: exact, shape, type or ignore
  --update           write a run that differs anew from its replay (or BUSLINE_UPDATE=1)
  --json             one object a run: file, app (null: that of busline chat), status (pass, fail, updated, error), ms,
                     lines, divergences, error
  --log-dir DIR      where add finds runs (default logs)
Exit codes: 0 all pass, 1 one differs, 2 usage, 3 damaged file, 4 input or output, 5 one can't be replayed`

/** `busline test add RUN`, `busline test [run] [DIR]`. */
export const test = defineProgram({
  name: 'test',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    app: { type: 'string' },
    turn: { type: 'string' },
    name: { type: 'string' },
    dir: { type: 'string' },
    force: { type: 'boolean' },
    update: { type: 'boolean' },
    live: { type: 'string', multiple: true },
    ignore: { type: 'string', multiple: true },
    loosen: { type: 'string', multiple: true },
  },
  async run({ values, positionals }, terminal) {
    const [word, ...rest] = positionals
    const isAdd = word === 'add'
    const [argument, extra] = isAdd || word === 'run' ? rest : positionals
    if (extra !== undefined) throw new UsageError('busline test takes one run to add, or one folder to run.')
    const misplaced = (isAdd ? RUN_ONLY : ADD_ONLY).find((option) => values[option] !== undefined)
    if (misplaced !== undefined)
      throw new UsageError(`--${misplaced} is for busline test ${isAdd ? 'run' : 'add'}.`)
    if (isAdd) {
      await addTest(argument, values, terminal)
      return EXIT.ok
    }
    return await runTests(argument ?? values.dir ?? 'test/runs', values, terminal)
  },
})

const RUN_ONLY = ['update', 'live', 'ignore', 'loosen', 'json'] as const
const ADD_ONLY = ['turn', 'name', 'force'] as const
