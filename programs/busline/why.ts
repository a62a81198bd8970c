import { BuslineError, visibleLine } from 'busline'
import { findMessage, whyOf, type Why, type WhyStep } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { describeWhy } from './describe-why.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { checkedLines } from './sought-lines.ts'
import { spooled } from './spooled.ts'

const HELP = `Tells why a message is there: the chain of its causes up to the first, and the tree of its effects.

Examples
  busline why gekzb7k9r9-3.6            a command or event, by its id or the beginning of one
  busline why 18 @latest~1              what stands at line 17; the line of a result means its command
  busline why line:18 --depth 1 --json

Usage: busline why ID [RUN] [--depth N] [--json] [--log-dir DIR]
  ID           an id, the beginning of one, or the number of a line
  --depth N    effects at most N levels below (default: all)
  --json       one JSON object a message: causes, the message, effects
${RUN_HELP}
Of a tool call it names the model call that asked for it, of a model call the messages that it was sent, of a failure where
it began and how far up it went.
Exit codes: 0 well, 2 no such message, 3 damaged file, 4 the file can't be read, 130 Ctrl-C`

/** `busline why ID [RUN]`. */
export const why = defineProgram({
  name: 'why',
  help: HELP,
  options: { ...RUN_OPTIONS, depth: { type: 'string' } },
  async run({ values, positionals }, terminal) {
    const [wanted, argument, extra] = positionals
    if (wanted === undefined || extra !== undefined)
      throw new UsageError('busline why takes an id or a line, and a run. Example: busline why 18 @latest')
    const depth = depthOf(values.depth)
    const run = await spooled(await openRun(argument, values, terminal), terminal.signal)
    const place = await findMessage(checkedLines(run.source, { onTornTail: run.onTornTail }), wanted)
    const found = await whyOf(checkedLines(run.source), place)
    if (!found)
      throw new BuslineError('MESSAGE_NOT_IN_RUN', `Line ${place.line} is not in ${run.name} any more.`)

    const { effects } = found
    const shown = effects.filter((effect) => effect.depth <= depth)
    const { output } = terminal
    if (values.json) for (const row of rowsOf({ ...found, effects: shown })) await output.print(jsonLine(row))
    else
      await output.print(describeWhy({ ...found, effects: shown }, effects.length - shown.length, terminal))
    return EXIT.ok
  },
})

function depthOf(depth: string | undefined): number {
  if (depth === undefined) return Infinity
  if (/^\d{1,6}$/.test(depth)) return Number(depth)
  throw new UsageError(`--depth takes a whole number from 0, not ${visibleLine(JSON.stringify(depth), 40)}.`)
}

/** `depth` is 0 of the message, negative of its causes, positive of its effects; what only the message has is null elsewhere. */
function rowsOf({ message, causes, effects, askedBy, sent, failure, resultLine }: Why): object[] {
  const none = { askedBy: null, sent: null, failure: null, resultLine: null }
  const row = (relation: string, depth: number, step: WhyStep, more: object): object => ({
    relation,
    ...step,
    depth,
    ...more,
  })
  return [
    ...causes.map((step, place) => row('cause', place - causes.length, step, none)),
    row('message', 0, message, {
      askedBy: askedBy && { line: askedBy.line, id: askedBy.id },
      sent,
      failure,
      resultLine,
    }),
    ...effects.map((step) => row('effect', step.depth, step, none)),
  ]
}
