import { statSync } from 'node:fs'
import { BuslineError } from 'busline'
import { lastLines, MESSAGE_TYPES, scanJournal, type ScannedLine } from 'busline/journal'
import { isTurnStart } from './turn-starts.ts'

export type Lines = AsyncIterable<readonly ScannedLine[]> | Iterable<readonly ScannedLine[]>

/** A file of this size is read from its beginning: that costs nothing, and finds all damage. */
const SMALL_BYTES = 4 * 1024 * 1024

/** As many lines are held in memory; what begins before them is read forwards. */
const MOST_LINES = 50_000

/** Whether files are so large together that their end is read backwards. */
export function isLarge(files: readonly string[]): boolean {
  const bytes = files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
  return bytes > SMALL_BYTES
}

/** The lines from the `most`th last turn on; undefined where that is too far from the end, or a line before it is damaged. */
export async function lastTurnsOf(path: string, most: number): Promise<readonly ScannedLine[] | undefined> {
  let lines = 0
  const turns = new TurnsBackwards()
  const read = await fromEnd(path, ({ envelope }) => {
    turns.take(envelope)
    return (turns.count >= most && turns.areWhole) || ++lines >= MOST_LINES
  })
  return turns.count >= most ? read : undefined
}

/** How many turns begin or go on in lines. */
export function turnsIn(lines: readonly ScannedLine[]): number {
  const turns = new TurnsBackwards()
  for (const { envelope } of lines.toReversed()) turns.take(envelope)
  return turns.count
}

/** Counts turns from the last line on, one that went on being one. */
class TurnsBackwards {
  count = 0
  /** Turns that went on, and whose beginning has not come yet. */
  #awaited = new Set<string>()

  get areWhole(): boolean {
    return this.#awaited.size === 0
  }

  take(envelope: ScannedLine['envelope']): void {
    if (!isTurnStart(envelope)) return
    const { turn = '', type } = envelope
    const isKnown = this.#awaited.has(turn)
    if (!isKnown) this.count++
    if (type === MESSAGE_TYPES.continueTurn) this.#awaited.add(turn)
    else this.#awaited.delete(turn)
  }
}

/** All lines from `seq` on, read from the beginning. */
export function linesFrom(path: string, seq: number): Lines {
  return scanJournal(path, { after: seq - 1 })
}

/** The last lines of a run; as a whole scan where it is damaged there, which tells the line. */
export async function lastLinesOf(path: string, most: number): Promise<Lines> {
  let count = 0
  const lines = most > MOST_LINES ? undefined : await fromEnd(path, () => ++count >= most)
  return lines ? [lines] : lastScanned(path, most)
}

async function fromEnd(
  path: string,
  enough: (line: ScannedLine) => boolean,
): Promise<ScannedLine[] | undefined> {
  try {
    return await lastLines(path, enough)
  } catch (error) {
    if (error instanceof BuslineError && error.code === 'JOURNAL_DAMAGED') return undefined
    throw error
  }
}

async function* lastScanned(path: string, most: number): AsyncGenerator<readonly ScannedLine[]> {
  let kept: ScannedLine[] = []
  for await (const lines of scanJournal(path)) kept = [...kept, ...lines].slice(-most)
  yield kept
}

/** The first line of a run; undefined in an empty one. */
export async function firstLineOf(path: string): Promise<ScannedLine | undefined> {
  for await (const [first] of scanJournal(path)) return first
  return undefined
}
