import type { FileHandle } from 'node:fs/promises'
import { blocksOf } from './line-block.ts'
import { longestRise } from './longest-rise.ts'
import { opened } from './open-segments.ts'
import { recordIn, salvageRecords } from './salvage-line.ts'

/** Damaged places that are told of one file; all are counted. */
const MOST_TOLD = 1000

/** Bytes of a file that are no record, or one out of order. */
export interface DamagedPart {
  /** The line of the file that they stand in, counted from 1. */
  readonly line: number
  readonly bytes: number
}

/** What can be kept of one file. */
export interface FilePlan {
  readonly path: string
  /** Places of the records that are kept, in order: where each begins and ends, and its `seq`. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  readonly seqs: readonly number[]
  /** The line that each stands in, counted from 1: two stand in one when the newline between them is damaged. */
  readonly lines: readonly number[]
  /** Bytes after the last newline that are no record. */
  readonly cutBytes: number
  /** The first thousand. */
  readonly damaged: readonly DamagedPart[]
  readonly damagedCount: number
}

/**
 * Looks through a file for all its records, also where newlines are damaged, and keeps as many as follow each other. Memory
 * grows with the number of lines, some 30 bytes for each.
 */
export async function planRecovery(path: string): Promise<FilePlan> {
  const file = await opened(path)
  try {
    const { size } = await file.stat()
    const found = await recordsOf(path, file, size)
    const kept = longestRise(found.seqs)
    const isKept = new Set(kept.length === found.seqs.length ? [] : kept)
    for (const [place, start] of found.starts.entries()) {
      if (isKept.size === 0 || isKept.has(place)) continue
      found.tell(found.lines[place] ?? 0, (found.ends[place] ?? 0) - start)
    }
    return {
      path,
      starts: kept.map((place) => found.starts[place] ?? 0),
      ends: kept.map((place) => found.ends[place] ?? 0),
      seqs: kept.map((place) => found.seqs[place] ?? 0),
      lines: kept.map((place) => found.lines[place] ?? 0),
      cutBytes: found.cutBytes,
      damaged: found.damaged.toSorted((a, b) => a.line - b.line),
      damagedCount: found.damagedCount,
    }
  } finally {
    await file.close()
  }
}

async function recordsOf(path: string, file: FileHandle, size: number): Promise<Found> {
  const found = new Found()
  let offset = 0
  let line = 1
  const origin = { path, linesBefore: 0, hasBlobs: false }
  for await (const block of blocksOf(origin, file, () => undefined)) {
    const { latin1 } = block
    for (let start = 0; start < latin1.length; line++) {
      const end = latin1.indexOf('\n', start)
      found.look(block.bytes(start, end), offset + start, line)
      start = end + 1
    }
    offset += latin1.length
  }
  if (offset < size) {
    const tail = Buffer.alloc(size - offset)
    await file.read(tail, 0, tail.length, offset)
    found.lookAtTail(tail, offset, line)
  }
  return found
}

class Found {
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly seqs: number[] = []
  readonly lines: number[] = []
  readonly damaged: DamagedPart[] = []
  damagedCount = 0
  cutBytes = 0

  /** A line without its newline. */
  look(bytes: Buffer, offset: number, line: number): void {
    const record = recordIn(bytes)
    if (record) this.#add({ start: offset, end: offset + bytes.length, seq: record.seq, line })
    else this.#salvage(bytes, offset, line)
  }

  /** What has no newline is no record, not even a whole one; but one that junk follows had its newline once. */
  lookAtTail(bytes: Buffer, offset: number, line: number): void {
    const records = salvageRecords(bytes).filter(({ end }) => end < bytes.length)
    for (const { start, end, record } of records)
      this.#add({ start: offset + start, end: offset + end, seq: record.seq, line })
    this.cutBytes = bytes.length - records.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  tell(line: number, bytes: number): void {
    if (this.damagedCount++ < MOST_TOLD) this.damaged.push({ line, bytes })
  }

  #salvage(bytes: Buffer, offset: number, line: number): void {
    const records = salvageRecords(bytes)
    for (const { start, end, record } of records)
      this.#add({ start: offset + start, end: offset + end, seq: record.seq, line })
    this.tell(line, bytes.length - records.reduce((sum, { start, end }) => sum + end - start, 0))
  }

  #add(of: { start: number; end: number; seq: number; line: number }): void {
    this.starts.push(of.start)
    this.ends.push(of.end)
    this.seqs.push(of.seq)
    this.lines.push(of.line)
  }
}
