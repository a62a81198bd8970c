import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const FOLDER = 'forks'

/**
 * Where a fork goes that is told no other place: `forks/<name>.fork-<place>.jsonl` beside its parent, in the same folder where
 * the parent is a fork itself. So the folder of the runs holds runs only. What is taken already gets a number: `…-2.jsonl`.
 *
 * @param parent the parent's journal
 * @param place the last line that stays, or another word for it
 */
export function forkPath(parent: string, place: number | string): string {
  const folder = dirname(parent)
  const forks = basename(folder) === FOLDER ? folder : join(folder, FOLDER)
  const stem = join(forks, `${basename(parent, '.jsonl')}.fork-${place}`)
  for (let number = 1; ; number++) {
    const path = `${stem}${number === 1 ? '' : `-${number}`}.jsonl`
    if (!existsSync(path) && !existsSync(sessionsBeside(path))) return path
  }
}

/** The folder of a fork's sessions, beside its journal: its name without `.jsonl`, then `-sessions`. */
export function sessionsBeside(journal: string): string {
  return `${journal.replace(/\.jsonl$/, '')}-sessions`
}
