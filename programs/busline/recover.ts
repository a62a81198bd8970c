import { visibleLine } from 'busline'
import { recoverJournal, type RecoveredFile } from 'busline/journal'
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
  --json          { path, changed, records, cutBytes, damaged: [{ line, bytes }], damagedCount, lost, original, dryRun }
                  for each segment
What is cut: bytes after the last newline, and what is no record. Lines that are lost are declared by a bus.lost note.
The file as it was is FILE.damaged-1, or the next number that is free.
Exit codes: 0 well, also when there was nothing to do, 2 usage, 3 no record is left, or it is no journal, 4 the file can't be
read or written, or is being written`

/** `busline recover`. */
export const recover = defineProgram({
  name: 'recover',
  help: HELP,
  options: { 'dry-run': { type: 'boolean', default: false }, output: { type: 'string' } },
  async run({ values, positionals: [file = '', extra] }, { output, say }) {
    const { json = false, 'dry-run': dryRun, output: to } = values
    if (file === '' || file === '-' || extra !== undefined)
      throw new UsageError('busline recover takes one journal file. Example: busline recover logs/run.jsonl')
    const { files } = await recoverJournal(file, { dryRun, ...(to !== undefined && { output: to }) })
    for (const one of files) {
      if (json) await output.print(jsonLine({ ...one, dryRun }))
      else for (const line of describe(one, dryRun)) say(line)
    }
    return EXIT.ok
  },
})

function describe(file: RecoveredFile, dryRun: boolean): string[] {
  const { path, changed, records, cutBytes, damaged, damagedCount, lost, original } = file
  const shown = visibleLine(path)
  if (!changed) return [`${shown} has no damage; its ${records} lines stay as they are.`]
  const more = damagedCount - damaged.length
  return [
    `${shown}: ${dryRun ? 'would keep' : 'kept'} ${records} lines, ${lost} are lost.`,
    ...(cutBytes > 0 ? [`  ${cutBytes} bytes after the last line are no record.`] : []),
    ...damaged.map(({ line, bytes }) => `  Line ${line}: ${bytes} bytes are no record in their place.`),
    ...(more > 0 ? [`  … and ${more} more.`] : []),
    ...(original === null ? [] : [`  The file as it was: ${visibleLine(original)}`]),
  ]
}
