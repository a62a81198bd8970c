import { visibleLine, type JournalRecord } from 'busline'
import { followJournal, lastLines, scanJournal } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { describeEvent, eventLine } from './describe-event.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { painter } from './paint.ts'
import { previewRecord } from './whole-record.ts'

const HELP = `Follows a run: its last messages, then each as it is written, through rotation, until Ctrl-C.

Examples
  busline tail                                     the run that was written last
  busline tail --type 'tool.*' -n 0                tool calls from now on
  busline tail 20261121 --session trip --no-follow -n 50
  busline tail @latest --json | jq -c 'select(.status == "error")'

Usage: busline tail [RUN] [-n LINES] [--type PATTERN] [--session ID] [--no-follow] [--json] [--log-dir DIR]
  -n, --lines LINES  how many messages of the past come first (default 10)
  --type PATTERN     only this type, or with tool.* all types below a name
  --session ID       only this session, or those whose id begins so
  --no-follow        end at what is there now
  --json             one JSON object a message, as busline show --events --json has it
${RUN_HELP}
Exit codes: 0 well, 2 usage, 3 damaged file, or no journal, 4 the file can't be read, 130 Ctrl-C`

/** How many lines are sought backwards; for more, the run is read from its beginning. */
const MOST_BACKWARDS = 10_000

type Envelope = Readonly<JournalRecord>

/** `busline tail`. */
export const tail = defineProgram({
  name: 'tail',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    lines: { type: 'string', short: 'n', default: '10' },
    type: { type: 'string' },
    session: { type: 'string' },
    'no-follow': { type: 'boolean', default: false },
  },
  async run({ values, positionals: [argument, extra] }, terminal) {
    if (extra !== undefined) throw new UsageError('busline tail follows one run.')
    const live = !values['no-follow']
    // One that is followed may have its first line yet to come.
    const { path } = await openRun(argument, values, terminal, { mayBeEmpty: live })
    if (path === undefined)
      throw new UsageError('busline tail follows a file. Stdin comes by itself: use busline show - --events.')
    const { output, signal, width, color } = terminal
    const isAsked = filter(values)
    const after = await startBefore(path, count(values.lines), isAsked)
    const paint = painter(color)
    const start = (await firstTime(path)) ?? 0
    for await (const record of followJournal(path, { after, signal, live, blobs: 'keep' })) {
      if (!isAsked(record)) continue
      const line = record.seq + 1
      const preview = previewRecord({ record: () => record })
      const shown = values.json
        ? eventLine(preview, line)
        : describeEvent(preview, { line, start, width, paint })
      await output.print(shown)
      if (output.failure !== undefined) break
    }
    return EXIT.ok
  },
})

/** When the run begins; undefined while it has no line. */
async function firstTime(path: string): Promise<number | undefined> {
  for await (const [first] of scanJournal(path)) return first?.envelope.time
  return undefined
}

function filter({ type, session }: { type?: string; session?: string }): (envelope: Envelope) => boolean {
  if (type !== undefined && !/^(?:\*\*|(?:[^*.]+\.)*(?:[^*.]+|(?<=\.)\*))$/.test(type))
    throw new UsageError(
      `--type takes a type (tool.call) or a pattern (tool.*), not ${visibleLine(type, 60)}.`,
    )
  const isMeant = (name: string): boolean => {
    if (type === undefined || type === '**') return true
    return type.endsWith('.*') ? name.startsWith(type.slice(0, -1)) : name === type
  }
  return (envelope) =>
    isMeant(envelope.type) && (session === undefined || envelope.session?.startsWith(session) === true)
}

function count(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`-n takes a whole number, not ${visibleLine(text, 40)}.`)
}

/** The `seq` after which the last `most` messages begin that are asked for; -1 when there are no more than those. */
async function startBefore(
  path: string,
  most: number,
  isAsked: (envelope: Envelope) => boolean,
): Promise<number> {
  if (most > MOST_BACKWARDS) return scannedStart(path, most, isAsked)
  let start = -1
  let found = 0
  let looked = 0
  let isFar = false
  await lastLines(path, ({ envelope }) => {
    if (most === 0) start = envelope.seq
    else if (isAsked(envelope) && ++found === most) start = envelope.seq - 1
    isFar = ++looked > MOST_BACKWARDS
    return most === 0 || found === most || isFar
  })
  return isFar && found < most ? scannedStart(path, most, isAsked) : start
}

async function scannedStart(
  path: string,
  most: number,
  isAsked: (envelope: Envelope) => boolean,
): Promise<number> {
  const seqs: number[] = []
  for await (const lines of scanJournal(path))
    for (const { envelope } of lines) if (isAsked(envelope)) seqs.push(envelope.seq)
  const first = seqs.at(-most)
  return first === undefined || seqs.length < most ? -1 : first - 1
}
