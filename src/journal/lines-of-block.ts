import type { JournalRecord } from '../bus/journal.ts'
import { envelopeEnds } from './envelope-ends.ts'
import { isJournalRecord } from './journal-record.ts'
import { damaged } from './journal-source.ts'
import type { LineBlock } from './line-block.ts'
import { resolveBlobs } from './resolve-blobs.ts'
import type { ScannedLine } from './scanned-line.ts'
import type { SeqCheck } from './seq-check.ts'

const CLOSING_BRACE = 0x7d

/** The lines up to the first that is damaged, and its error. */
export interface ScannedLines {
  readonly lines: readonly ScannedLine[]
  readonly fault?: unknown
}

/** All lines of a block, held to their order. */
export function linesOf(block: LineBlock, check: SeqCheck): ScannedLines {
  const { latin1, firstLine, origin } = block
  const ends = envelopeEnds(latin1)
  const lines: ScannedLine[] = []
  try {
    for (let start = 0; start < latin1.length;) {
      const end = latin1.indexOf('\n', start)
      const number = firstLine + lines.length
      const line = new BlockLine(block, number, { start, end, envelopeEnd: ends(start, end) })
      check.take(origin.path, number, line)
      lines.push(line)
      start = end + 1
    }
  } catch (fault) {
    return { lines, fault }
  }
  return { lines }
}

/** Each line of a block as a whole record, references to big values as they are; or why it is none. */
export function* eachRecord(
  block: LineBlock,
): Generator<{ number: number; record: JournalRecord } | { number: number; fault: unknown }> {
  let number = block.firstLine
  for (let start = 0; start < block.size; number++) {
    const end = block.lineEnd(start)
    try {
      yield { number, record: parsed(block, { number, start, end }) }
    } catch (fault) {
      yield { number, fault }
    }
    start = end + 1
  }
}

/**
 * The lines of a block that hold each of the words, or else one of `besides`; all of these are Latin-1 as the block is. Not
 * checked for their order.
 */
export function linesWith(
  block: LineBlock,
  words: readonly string[],
  besides: readonly string[] = [],
): ScannedLines {
  const { latin1 } = block
  const ends = envelopeEnds(latin1)
  const lines: ScannedLine[] = []
  const sought = [...words.slice(0, 1), ...besides].map((text) => ({ text, at: placeOf(latin1, text, 0) }))
  const next = (): number => sought.reduce((least, { at }) => Math.min(least, at), Infinity)
  let number = block.firstLine
  let counted = 0
  try {
    for (let hit = next(); hit !== Infinity; hit = next()) {
      // A negative position would count as 0, where a newline may stand.
      const start = hit === 0 ? 0 : latin1.lastIndexOf('\n', hit - 1) + 1
      const end = latin1.indexOf('\n', hit)
      for (; counted < start; number++) counted = latin1.indexOf('\n', counted) + 1
      const raw = latin1.slice(start, end)
      if (words.every((word) => raw.includes(word)) || besides.some((text) => raw.includes(text)))
        lines.push(new BlockLine(block, number, { start, end, envelopeEnd: ends(start, end) }))
      for (const one of sought) if (one.at <= end) one.at = placeOf(latin1, one.text, end + 1)
    }
  } catch (fault) {
    return { lines, fault }
  }
  return { lines }
}

/** Where a text stands next; Infinity where it does not. */
function placeOf(latin1: string, text: string, from: number): number {
  const at = latin1.indexOf(text, from)
  return at === -1 ? Infinity : at
}

class BlockLine implements ScannedLine {
  readonly line: number
  readonly envelope: Readonly<JournalRecord>
  readonly #block: LineBlock
  /** The place in its file. */
  readonly #number: number
  readonly #start: number
  readonly #end: number

  constructor(
    block: LineBlock,
    number: number,
    { start, end, envelopeEnd }: { start: number; end: number; envelopeEnd: number },
  ) {
    this.#block = block
    this.#number = number
    this.#start = start
    this.#end = end
    // A line that was cut has most likely lost its end, which is all of the heavy field that can be looked at for nothing.
    const isReadable = envelopeEnd !== -1 && block.latin1.charCodeAt(end - 1) === CLOSING_BRACE
    this.envelope = (isReadable ? this.#envelope(envelopeEnd) : undefined) ?? this.#lightened()
    this.line = this.envelope.seq + 1
  }

  record(): JournalRecord {
    const record = this.#parsed()
    const { mayHoldBlobs, origin } = this.#block
    return mayHoldBlobs ? resolveBlobs(record, origin.path, this.#number) : record
  }

  text(): string {
    try {
      return this.#block.text(this.#start, this.#end)
    } catch (error) {
      throw damaged(this.#block.origin.path, this.#number, 'it is not UTF-8', error)
    }
  }

  #parsed(): JournalRecord {
    return parsed(this.#block, { number: this.#number, start: this.#start, end: this.#end })
  }

  /** Undefined when what stands before the heavy field is no object by itself: the field stands deeper. */
  #envelope(end: number): JournalRecord | undefined {
    try {
      const value: unknown = JSON.parse(`${this.#block.text(this.#start, end)}}`)
      return isJournalRecord(value) ? value : undefined
    } catch {
      return undefined
    }
  }

  /** The envelope of a line that has no heavy field, or in another place than the format says. */
  #lightened(): JournalRecord {
    const { data: _data, output: _output, error: _error, ...envelope } = this.#parsed()
    return envelope
  }
}

/** The record that stands between two places of a block. */
function parsed(
  block: LineBlock,
  { number, start, end }: { number: number; start: number; end: number },
): JournalRecord {
  const { path } = block.origin
  let value: unknown
  try {
    value = JSON.parse(block.text(start, end))
  } catch (error) {
    throw damaged(path, number, 'it is not a line of JSON', error)
  }
  if (isJournalRecord(value)) return value
  throw damaged(path, number, 'it is not a journal record')
}
