import { basename, dirname, join } from 'node:path'

const EXTENSION = '.jsonl'
/** What a full segment's name has after the run's: five digits or more. */
const NUMBER = /^\.(\d{5,})\.jsonl$/
const SEGMENT = /^(.+)\.(\d{5,})\.jsonl$/

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

/** The numbers of a journal's full segments among the names in its folder, ascending. */
export function segmentNumbers(path: string, names: readonly string[]): number[] {
  const stem = basename(stemOf(path))
  return names
    .flatMap((name) => (name.startsWith(stem) ? (NUMBER.exec(name.slice(stem.length))?.[1] ?? []) : []))
    .map(Number)
    .sort((a, b) => a - b)
}
