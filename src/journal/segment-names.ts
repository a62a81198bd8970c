import { basename, dirname, join } from 'node:path'

const EXTENSION = '.jsonl'
/** What a full segment's name has after the run's: five digits, or some more. A date has eight, and is no number. */
const NUMBER = /^\.(\d{5}|[1-9]\d{5,6})\.jsonl$/
const SEGMENT = /^(.+)\.(\d{5}|[1-9]\d{5,6})\.jsonl$/

/** A journal's path without `.jsonl`, and without the number that a full segment has. */
export function stemOf(path: string): string {
  const name = basename(path)
  const stem = SEGMENT.exec(name)?.[1] ?? (name.endsWith(EXTENSION) ? name.slice(0, -EXTENSION.length) : name)
  return join(dirname(path), stem === '' ? name : stem)
}

/** Whether a path is named like a full segment, which nobody writes any more. */
export function isSegment(path: string): boolean {
  return SEGMENT.test(basename(path))
}

/** Where the full segment `number` of a journal is kept: `<stem>.00001.jsonl`. */
export function segmentPath(path: string, number: number): string {
  return `${stemOf(path)}.${String(number).padStart(5, '0')}${EXTENSION}`
}

/**
 * The numbers of a journal's full segments among the names in its folder, ascending. A file of somebody else may have such a
 * name: where numbers do not follow each other, the file that begins a row is asked about.
 *
 * @param isForeign whether a file is known to be no segment of the journal
 */
export function segmentNumbers(
  path: string,
  names: readonly string[],
  isForeign: (number: number) => boolean,
): number[] {
  const stem = basename(stemOf(path))
  const named = names
    .flatMap((name) => (name.startsWith(stem) ? (NUMBER.exec(name.slice(stem.length))?.[1] ?? []) : []))
    .map(Number)
    .sort((a, b) => a - b)
  let isOwn = true
  return named.filter((number, place) => {
    if (!isOwn || named[place - 1] !== number - 1) isOwn = !isForeign(number)
    return isOwn
  })
}

/** The number of a full segment by its name; undefined of another file. */
export function numberOf(path: string): number | undefined {
  const number = SEGMENT.exec(basename(path))?.[2]
  return number === undefined ? undefined : Number(number)
}
