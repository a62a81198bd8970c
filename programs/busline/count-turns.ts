import { closeSync, openSync, readSync } from 'node:fs'

/** As it stands in a line, and never within a text of one: quotes are escaped there. */
const COMMAND = Buffer.from('"kind":"command","type":"chat.')
const BEGINNING = /^(run|continue)Turn",.*?"turn":"((?:[^"\\]|\\.)*)"/
/** From there on to the end of a turn's id, at most. */
const LONGEST = 1024
const CHUNK = 256 * 1024

/** How many turns there are in files, one that goes on being one; from their bytes alone: lines are neither parsed nor checked. */
export function countTurns(files: readonly string[]): number {
  const count = { begun: 0, ids: new Set<string>(), continued: new Set<string>() }
  for (const file of files) countIn(file, count)
  const fromElsewhere = [...count.continued].filter((id) => !count.ids.has(id))
  return count.begun + fromElsewhere.length
}

interface Count {
  begun: number
  /** Of turns that begin here. */
  readonly ids: Set<string>
  /** Of turns that go on here. */
  readonly continued: Set<string>
}

function countIn(path: string, count: Count): void {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(CHUNK)
    /** Bytes kept of the last chunk: what is looked for may begin there. */
    let kept = 0
    for (;;) {
      const read = readSync(file, bytes, kept, CHUNK - kept, null)
      const chunk = bytes.subarray(0, kept + read)
      const isLast = read === 0
      /** What begins behind here is looked at with the next chunk. */
      const end = isLast ? chunk.length : Math.max(0, chunk.length - LONGEST)
      for (let at = chunk.indexOf(COMMAND); at !== -1 && at < end; at = chunk.indexOf(COMMAND, at + 1))
        take(chunk.toString('latin1', at + COMMAND.length, Math.min(chunk.length, at + LONGEST)), count)
      if (isLast) return
      kept = chunk.length - end
      bytes.copyWithin(0, end, chunk.length)
    }
  } finally {
    closeSync(file)
  }
}

function take(line: string, count: Count): void {
  const [, how, turn = ''] = BEGINNING.exec(line) ?? []
  if (how === 'continue') count.continued.add(turn)
  if (how !== 'run') return
  count.begun++
  count.ids.add(turn)
}
