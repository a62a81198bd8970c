import { isAscii } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { mayHoldBlobs } from './blob-reference.ts'
import { chunksOf, damaged } from './journal-source.ts'

const NEWLINE = 0x0a
/** A longer line is no record: a file without newlines must not fill the memory. */
const LONGEST = 256 * 1024 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Where lines come from. */
export interface Origin {
  /** The file, as errors name it. */
  readonly path: string
  /** Lines of the run that stand in earlier files; undefined when nobody counted, as `seq` tells about the same. */
  readonly linesBefore: number | undefined
  /** Whether the file has a folder of blobs beside it that is to be read. */
  readonly hasBlobs: boolean
}

/**
 * Whole lines that were read together, each with its newline. They are looked through as Latin-1, one character a byte,
 * which costs next to nothing; only what is asked for is decoded.
 */
export class LineBlock {
  readonly origin: Origin
  /** The number of its first line in its file, from 1. */
  readonly firstLine: number
  readonly latin1: string
  /** Whether a line of it refers to a value that stands beside the journal, by a look at the text. */
  readonly mayHoldBlobs: boolean
  readonly #bytes: Buffer
  readonly #isAscii: boolean

  constructor(origin: Origin, firstLine: number, bytes: Buffer) {
    this.origin = origin
    this.firstLine = firstLine
    this.latin1 = bytes.toString('latin1')
    this.mayHoldBlobs = origin.hasBlobs && mayHoldBlobs(this.latin1)
    this.#bytes = bytes
    this.#isAscii = isAscii(bytes)
  }

  /** How many lines it has; counted by each call. */
  get lineCount(): number {
    let count = 0
    for (let at = this.latin1.indexOf('\n'); at !== -1; at = this.latin1.indexOf('\n', at + 1)) count++
    return count
  }

  /** The bytes between two places. */
  bytes(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end)
  }

  /** The text between two places. Throws a TypeError for bytes that are not UTF-8. */
  text(start: number, end: number): string {
    return this.#isAscii ? this.latin1.slice(start, end) : utf8.decode(this.#bytes.subarray(start, end))
  }
}

/** What a file ends in that is no whole line; the line counted from 1. */
export interface TornTail {
  readonly line: number
  readonly bytes: number
}

/** The whole lines of one file, in blocks; what stands after the last newline is told, not given. */
export async function* blocksOf(
  origin: Origin,
  source: FileHandle | AsyncIterable<Uint8Array>,
  onTornTail: (tail: TornTail) => void,
): AsyncGenerator<LineBlock> {
  let line = 1
  let open: Uint8Array[] = []
  let openBytes = 0
  for await (const chunk of chunksOf(origin.path, source)) {
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      const block = new LineBlock(origin, line, Buffer.concat([...open, chunk.subarray(0, end)]))
      yield block
      line += block.lineCount
      open = []
      openBytes = 0
    }
    if (end === chunk.length) continue
    open.push(chunk.subarray(end))
    openBytes += chunk.length - end
    if (openBytes > LONGEST) throw damaged(origin.path, line, 'it is longer than 256 MiB')
  }
  if (openBytes > 0) onTornTail({ line, bytes: openBytes })
}
