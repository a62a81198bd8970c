import { visibleLine } from 'busline'
import { recoverJournal, verifyJournal, type RecoveredFile } from 'busline/journal'
import { counted } from '../function-chat/counted.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'

const HELP = `Makes a damaged journal readable again. Every whole line stays as it is; the file as it was is kept beside it.

Examples
  busline recover logs/20261121T090000-4711.jsonl --dry-run     what would be done
  busline recover logs/20261121T090000-4711.jsonl
  busline recover broken.jsonl --output whole.jsonl             leaves broken.jsonl alone

Usage: busline recover FILE [--dry-run] [--output FILE] [--json]
  --dry-run       change nothing
  --output FILE   write the recovered journal there, where nothing is yet
  --json          { path, changed, records, cutBytes, damaged: [{ line, bytes }], damagedCount,
                  setAside: [{ line, records, run }], setAsideCount, lost, lostValues, original, faults,
                  dryRun } for each segment
What is cut: bytes after the last newline, and what is no record. Lines that are lost are declared by a bus.lost note.
Set aside is what is of another run than the first header's, or out of order. The file as it was, with all of that, is
FILE.damaged-1, or the next number that is free.
Exit codes: 0 well, also when there was nothing to do, 1 it can be read, but breaks rules that no recovery mends (busline
verify tells them), 2 usage, 3 it holds no record, so it is no journal, 4 the file can't be read or written, or is being
written`

/** Places of a kind that are told of one file. */
const MOST_TOLD = 5

/** `busline recover`. */
export const recover = defineProgram({
  name: 'recover',
  help: HELP,
  options: { 'dry-run': { type: 'boolean', default: false }, output: { type: 'string' } },
  async run({ values, positionals: [file = '', extra] }, { output, say, signal }) {
    const { json = false, 'dry-run': dryRun, output: to } = values
    if (file === '' || file === '-' || extra !== undefined)
      throw new UsageError('busline recover takes one journal file. Example: busline recover logs/run.jsonl')
    const { files } = await recoverJournal(file, { dryRun, ...(to !== undefined && { output: to }) })
    const done = to ?? file
    const faults = dryRun ? null : (await verifyJournal(done, { signal })).counts.fault
    for (const one of files) {
      if (json) await output.print(jsonLine({ ...one, faults, dryRun }))
      else for (const line of describe(one, dryRun)) say(line)
    }
    if (faults === null || faults === 0) return EXIT.ok
    if (!json)
      say(
        `It can be read, and has ${counted(faults, 'fault')} that no recovery mends: busline verify ${visibleLine(done)}`,
      )
    return EXIT.failed
  },
})

function describe(file: RecoveredFile, dryRun: boolean): string[] {
  const { path, changed, records, cutBytes, damaged, damagedCount, setAside, setAsideCount, lost } = file
  const shown = visibleLine(path)
  if (!changed) return [`${shown} has no damage; it stays as it is: ${counted(records, 'line')}.`]
  const told = [
    `${dryRun ? 'would keep' : 'kept'} ${counted(records, 'line')}`,
    ...(setAsideCount > 0 ? [`${setAsideCount} set aside`] : []),
    `${lost} lost`,
  ]
  const moreDamaged = damagedCount - Math.min(damaged.length, MOST_TOLD)
  const more = setAside.slice(MOST_TOLD)
  return [
    `${shown}: ${told.join(', ')}.`,
    ...(file.lostValues > 0
      ? [`  ${counted(file.lostValues, 'big value')} not beside it: told as lost in its line.`]
      : []),
    ...(cutBytes > 0 ? [`  ${counted(cutBytes, 'byte')} after the last line: no record.`] : []),
    ...damaged
      .slice(0, MOST_TOLD)
      .map(({ line, bytes }) => `  Line ${line}: ${counted(bytes, 'byte')}, no record.`),
    ...(moreDamaged > 0 ? [`  … and ${moreDamaged} more that are no record.`] : []),
    ...setAside.slice(0, MOST_TOLD).map(describeSetAside),
    ...(more.length > 0 ? [`  … and records set aside in ${counted(more.length, 'more place')}.`] : []),
    ...(file.original === null ? [] : [`  The file as it was: ${visibleLine(file.original)}`]),
  ]
}

function describeSetAside({ line, records, run }: RecoveredFile['setAside'][number]): string {
  const what =
    run === null
      ? 'out of order, or there twice'
      : run === ''
        ? 'of another run'
        : `of another run, ${visibleLine(run, 60)}`
  const where = records === 1 ? `Line ${line}` : `Lines ${line} to ${line + records - 1}`
  return `  ${where}: ${counted(records, 'record')} ${what}.`
}
