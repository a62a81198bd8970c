// Longer than 200 lines: half of them say what is told of a file that is recovered.
import type { FileHandle } from 'node:fs/promises'
import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'
import type { Beginning, Stretch } from './longest-rise.ts'
import { lostFrom } from './lost-lines.ts'
import { opened } from './open-segments.ts'
import { mendedLine, type MendedLine } from './lost-values.ts'
import { recordIn, salvageRecords } from './salvage-line.ts'
import type { Owner, RunOwners } from './run-owners.ts'

const NEWLINE = 0x0a
/** Bytes read at once where a stretch is cut. */
const CHUNK = 256 * 1024
/** Places of each kind that are told of one file; all are counted. */
const MOST_TOLD = 1000

/** Bytes of a file that are no record. */
export interface DamagedPart {
  /** The line of the file that they stand in, counted from 1. */
  readonly line: number
  readonly bytes: number
}

/** Whole records below each other that are not kept: they are of another run, or out of order. */
export interface SetAside {
  /** The line of the file that the first one stands in, counted from 1. */
  readonly line: number
  readonly records: number
  /** The run that they are of; null when it is the one that is kept. Of a run without a header, what its ids begin with. */
  readonly run: string | null
}

/** Records that stand right below each other in a file, of one run, and whose `seq` follow each other. */
export interface RecordStretch extends Stretch {
  readonly owner: Owner
  /** The line of the file that it begins in, counted from 1. */
  readonly line: number
  /** Where in the file it begins, and where it ends, without the last newline. */
  readonly start: number
  readonly end: number
  /** Of its first and its last record. */
  readonly times: readonly [number, number]
  /** Where the gap begins that its first record declares; undefined when it declares none. */
  readonly lostFrom: number | undefined
  /** Whether it begins with the header of a segment that is not the first of its run. */
  readonly beginsLater: boolean
  /** What stands in the place of its one line, of which values are lost. */
  readonly mended: MendedLine | undefined
}

/** What can be kept of one file. */
export interface FilePlan {
  readonly path: string
  /** What is kept, in order. */
  readonly stretches: readonly RecordStretch[]
  /** Bytes after the last newline that are no record. */
  readonly cutBytes: number
  /** The first thousand. */
  readonly damaged: readonly DamagedPart[]
  readonly damagedCount: number
  /** The first thousand places. */
  readonly setAside: readonly SetAside[]
  /** Records that are set aside, all of them. */
  readonly setAsideCount: number
  /** Big values to which kept lines refer, and which are not there. */
  readonly lostValues: number
  /** The run, as a record of it names it. */
  readonly run: string | undefined
}

/** A stretch that still grows. */
type Growing = { -readonly [Field in keyof RecordStretch]: RecordStretch[Field] }

/** The records that are found in a file, line by line. */
export class FoundRecords {
  readonly stretches: Growing[] = []
  cutBytes = 0
  readonly #path: string
  readonly #owners: RunOwners
  readonly #damaged: DamagedPart[] = []
  #damagedCount = 0
  /** Whether big values are beside the journal, by their hashes. */
  readonly #values = new Map<string, boolean>()

  /** @param owners shared by all files of a run */
  constructor(path: string, owners: RunOwners) {
    this.#path = path
    this.#owners = owners
  }

  /** A line without its newline. */
  look(bytes: Buffer, offset: number, line: number): void {
    const record = recordIn(bytes)
    if (record) this.#add({ bytes, start: offset, line, record })
    else this.tell(line, bytes.length - this.#salvage(bytes, salvageRecords(bytes), { offset, line }))
  }

  /** What has no newline is no record, not even a whole one; but one that junk follows had its newline once. */
  lookAtTail(bytes: Buffer, offset: number, line: number): void {
    const records = salvageRecords(bytes).filter(({ end }) => end < bytes.length)
    this.cutBytes -= this.#salvage(bytes, records, { offset, line })
  }

  tell(line: number, bytes: number): void {
    if (this.#damagedCount++ < MOST_TOLD) this.#damaged.push({ line, bytes })
  }

  /** What is kept of it, by the places of the stretches; the rest is of another run, or out of order. */
  async keep(beginnings: readonly Beginning[]): Promise<FilePlan> {
    const counts = new Map(beginnings.map(({ place, count }) => [place, count]))
    const stretches: RecordStretch[] = []
    const aside: SetAside[] = []
    let setAsideCount = 0
    const { kept } = this.#owners
    for (const [place, stretch] of this.stretches.entries()) {
      const count = counts.get(place) ?? 0
      if (count === stretch.count) stretches.push(stretch)
      else if (count > 0) stretches.push({ ...stretch, count, end: await this.#endOf(stretch, count) })
      const records = stretch.count - count
      if (records === 0) continue
      setAsideCount += records
      const run = stretch.owner === kept ? null : (stretch.owner.run ?? stretch.owner.prefix ?? '')
      if (aside.length < MOST_TOLD) aside.push({ line: stretch.line + count, records, run })
    }
    return {
      path: this.#path,
      stretches,
      cutBytes: this.cutBytes,
      damaged: this.#damaged.toSorted((a, b) => a.line - b.line),
      damagedCount: this.#damagedCount,
      setAside: aside,
      setAsideCount,
      lostValues: stretches.reduce((sum, { mended }) => sum + (mended?.lostValues ?? 0), 0),
      run: kept?.run ?? kept?.prefix,
    }
  }

  /** Bytes that were records. */
  #salvage(
    bytes: Buffer,
    records: ReturnType<typeof salvageRecords>,
    { offset, line }: { offset: number; line: number },
  ): number {
    for (const { start, end, record } of records)
      this.#add({ bytes: bytes.subarray(start, end), start: offset + start, line, record })
    return records.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  #add(of: { bytes: Buffer; start: number; line: number; record: JournalRecord }): void {
    const { bytes, start, line, record } = of
    const end = start + bytes.length
    const mended = mendedLine(bytes, record, { path: this.#path, there: this.#values })
    const { seq, time } = record
    const owner = this.#owners.ownerOf(record)
    const last = this.stretches.at(-1)
    const isWhole = !mended && !last?.mended
    const isBelow = last && isWhole && last.end + 1 === start && last.line + last.count === line
    if (last && isBelow && last.owner === owner && last.first + last.count === seq) {
      last.end = end
      last.count++
      last.times = [last.times[0], time]
      return
    }
    this.stretches.push({
      owner,
      first: seq,
      count: 1,
      line,
      start,
      end,
      times: [time, time],
      lostFrom: lostFrom(record),
      beginsLater: beginsLaterSegment(record),
      mended,
    })
  }

  /** Where the first records of a stretch end: before the newline of the last one. */
  async #endOf({ start, end }: RecordStretch, count: number): Promise<number> {
    const file = await opened(this.#path)
    try {
      let lines = 0
      for (let at = start; at < end;) {
        const bytes = await bytesOf(file, at, Math.min(CHUNK, end - at))
        for (let place = bytes.indexOf(NEWLINE); place !== -1; place = bytes.indexOf(NEWLINE, place + 1))
          if (++lines === count) return at + place
        if (bytes.length === 0) break
        at += bytes.length
      }
      return end
    } finally {
      await file.close()
    }
  }
}

/** Bytes of a file from a place on; fewer where it ends. */
export async function bytesOf(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, start)
  return bytes.subarray(0, bytesRead)
}
