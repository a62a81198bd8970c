import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal } from 'busline/journal'
import type { OpenedRun } from './open-run.ts'
import { holdsStdin } from './stdin-files.ts'

/** A run with a path, for those who look at it more than once: stdin is put into a file, which goes when the program ends. */
export async function spooled(run: OpenedRun, signal: AbortSignal): Promise<OpenedRun & { path: string }> {
  const { path, source, onTornTail } = run
  if (path !== undefined) return { ...run, path }
  const folder = mkdtempSync(join(tmpdir(), 'busline-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'stdin.jsonl')
  holdsStdin(file)
  await writeFile(file, source, { mode: 0o600, signal })
  return { ...run, path: file, source: file, records: () => readJournal(file, { onTornTail }) }
}
