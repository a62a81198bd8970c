import { existsSync } from 'node:fs'
import { visibleLine } from 'busline'
import { pruneJournals, type PruneOptions } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { bytesText, parseBytes, parseCount, parseDuration } from './amounts.ts'
import { defineProgram } from './command.ts'

const HELP = `Deletes old runs from a folder of journals: their files and what is kept beside them.

Examples
  busline prune --older-than 30d                    runs of logs/ that nobody wrote to for 30 days
  busline prune --older-than 30d --keep 10          the same, but never one of the newest ten
  busline prune logs --max-bytes 1GB --dry-run      what would have to go, so that 1 GB is left
  busline prune --keep 100 --json | jq .bytes

Usage: busline prune [DIR] [--older-than TIME] [--keep N] [--max-bytes SIZE] [--dry-run] [--json]
  DIR                default logs
  --older-than TIME  90s, 15m, 12h, 30d, 2w since a run was last written
  --keep N           so many runs stay, the last written; alone, all others go
  --max-bytes SIZE   500MB (10^6 each), 1GiB (2^30): the runs written longest ago go until the others fit
  --dry-run          delete nothing, say what would go
  --json             { kind: "run", path, bytes, changed } a run; { kind: "blobs", count, bytes } for stored
                     values that no line of a remaining run refers to; at last { kind: "total", runs, bytes,
                     kept, inUse, dryRun }; changed in epoch milliseconds, inUse the paths
A run that a living process writes stays, and so does every file that is no journal, and every symbolic link.
Folders in DIR are not looked into: forks of runs in logs/ are in logs/forks, and go by busline prune logs/forks.
Their sessions (NAME.fork-LINE-sessions) stay, for somebody may have gone on with them; they are named on stderr.
Exit codes: 0 well, 2 usage, 4 a folder that can't be read or a file that can't be deleted`

/** `busline prune`. */
export const prune = defineProgram({
  name: 'prune',
  help: HELP,
  options: {
    'older-than': { type: 'string' },
    keep: { type: 'string' },
    'max-bytes': { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  async run({ values, positionals: [folder = 'logs', extra] }, { output, say }) {
    const { json = false, 'dry-run': dryRun = false } = values
    if (extra !== undefined) throw new UsageError('busline prune takes one folder.')
    const report = await pruneJournals(folder, { ...rulesOf(values), dryRun })
    const { runs, blobs, bytes, kept, inUse } = report
    if (json) {
      for (const run of runs) await output.print(jsonLine({ kind: 'run', ...run }))
      await output.print(jsonLine({ kind: 'blobs', ...blobs }))
      await output.print(jsonLine({ kind: 'total', runs: runs.length, bytes, kept, inUse, dryRun }))
      return EXIT.ok
    }
    for (const run of runs) {
      const written = new Date(run.changed).toISOString().slice(0, 16).replace('T', ' ')
      await output.print(`${written}  ${bytesText(run.bytes).padStart(10)}  ${visibleLine(run.path)}\n`)
    }
    for (const path of inUse) say(`${path} is being written and stays.`)
    for (const line of sessionsLeft(runs.map(({ path }) => path))) say(line)
    const unused = blobs.count > 0 ? ` and ${blobs.count} unused stored values` : ''
    const gone = `${count(runs.length, 'run')}${unused}, ${bytesText(bytes)}`
    say(
      `${dryRun ? 'Would delete' : 'Deleted'} ${gone}; ${count(kept, 'run')} ${dryRun ? 'would stay' : 'left'}.`,
    )
    return EXIT.ok
  },
})

/** What a fork has beside its journal and is not deleted. */
function sessionsLeft(journals: readonly string[]): string[] {
  const folders = journals
    .map((path) => path.replace(/\.jsonl$/, '-sessions'))
    .filter((path) => existsSync(path))
  const shown = folders.slice(0, MOST_NAMED).map((path) => visibleLine(path))
  const more = folders.length > MOST_NAMED ? `, and ${folders.length - MOST_NAMED} more` : ''
  return folders.length === 0 ? [] : [`Sessions stay, to be deleted by hand: ${shown.join(', ')}${more}.`]
}

const MOST_NAMED = 8

function rulesOf(values: {
  'older-than'?: string
  keep?: string
  'max-bytes'?: string
}): Pick<PruneOptions, 'olderThan' | 'keep' | 'maxBytes'> {
  const { 'older-than': olderThan, keep, 'max-bytes': maxBytes } = values
  if (olderThan === undefined && keep === undefined && maxBytes === undefined)
    throw new UsageError('busline prune needs a rule: --older-than 30d, --keep 10 or --max-bytes 1GB.')
  return {
    ...(olderThan !== undefined && { olderThan: parseDuration('older-than', olderThan) }),
    ...(keep !== undefined && { keep: parseCount('keep', keep) }),
    ...(maxBytes !== undefined && { maxBytes: parseBytes('max-bytes', maxBytes) }),
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
