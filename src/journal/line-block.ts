import { isAscii } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { mayHoldBlobs } from './blob-reference.ts'
import { chunksOf, damaged } from './journal-source.ts'

const NEWLINE = 0x0a
/** Bytes of the longest record: a file without newlines must not fill the memory. */
export const LONGEST = 256 * 1024 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Where lines come from. */
export interface Origin {
  /** The file, as errors name it. */
  readonly path: string
  /** Whether the file has a folder of blobs beside it that is to be read. */
  readonly hasBlobs: boolean
}

/**
 * Whole lines that were read together, each with its newline. They may be looked through as Latin-1, one character a byte,
 * which costs next to nothing; only what is asked for is decoded.
 */
export class LineBlock {
  readonly origin: Origin
  /** The number of its first line in its file, from 1. */
  readonly firstLine: number
  /** Bytes of its file that stand before it. */
  readonly offset: number
  /** Bytes that it has. */
  readonly size: number
  /** Whether a line of it refers to a value that stands beside the journal, by a look at the text. */
  readonly mayHoldBlobs: boolean
  readonly #bytes: Buffer
  readonly #isAscii: boolean
  #latin1: string | undefined

  constructor(origin: Origin, firstLine: number, bytes: Buffer, offset = 0) {
    this.origin = origin
    this.firstLine = firstLine
    this.offset = offset
    this.size = bytes.length
    this.mayHoldBlobs = origin.hasBlobs && mayHoldBlobs(bytes)
    this.#bytes = bytes
    this.#isAscii = isAscii(bytes)
  }

  /** All of it, one character a byte. */
  get latin1(): string {
    this.#latin1 ??= this.#bytes.toString('latin1')
    return this.#latin1
  }

  /** How many lines it has; counted by each call. */
  get lineCount(): number {
    let count = 0
    for (let at = this.lineEnd(0); at !== -1; at = this.lineEnd(at + 1)) count++
    return count
  }

  /** Where the line ends that holds a place: the place of its newline; -1 behind the last one. */
  lineEnd(place: number): number {
    return this.#bytes.indexOf(NEWLINE, place)
  }

  /** The bytes between two places. */
  bytes(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end)
  }

  /** The text between two places. Throws a TypeError for bytes that are not UTF-8. */
  text(start: number, end: number): string {
    if (!this.#isAscii) return utf8.decode(this.#bytes.subarray(start, end))
    return this.#latin1?.slice(start, end) ?? this.#bytes.toString('latin1', start, end)
  }
}

/** Bytes that are no record: what stands after the last newline of a file, or a line that is too long; the line counted from 1. */
export interface TornTail {
  readonly line: number
  readonly bytes: number
}

/** Who is told of what is not given. */
export interface BlockListeners {
  /** What stands after the last newline. */
  readonly onTornTail: (tail: TornTail) => void
  /** A line of more than 256 MiB, which is then passed over; without this, it is `JOURNAL_DAMAGED`. */
  readonly onTooLong?: ((line: TornTail & { readonly offset: number }) => void) | undefined
}

/** The whole lines of one file, in blocks; what stands after the last newline is told, not given. */
export async function* blocksOf(
  origin: Origin,
  source: FileHandle | AsyncIterable<Uint8Array>,
  { onTornTail, onTooLong }: BlockListeners,
): AsyncGenerator<LineBlock> {
  let line = 1
  /** Where what is open began. */
  let offset = 0
  let open: Uint8Array[] = []
  let openBytes = 0
  for await (const chunk of chunksOf(origin.path, source)) {
    let rest = chunk
    if (openBytes > LONGEST) {
      const end = chunk.indexOf(NEWLINE) + 1
      openBytes += end === 0 ? chunk.length : end - 1
      if (end === 0) continue
      onTooLong?.({ line, bytes: openBytes, offset })
      line++
      offset += openBytes + 1
      openBytes = 0
      rest = chunk.subarray(end)
    }
    const end = rest.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      const block = new LineBlock(origin, line, Buffer.concat([...open, rest.subarray(0, end)]), offset)
      yield block
      line += block.lineCount
      offset += openBytes + end
      open = []
      openBytes = 0
    }
    if (end === rest.length) continue
    open.push(rest.subarray(end))
    openBytes += rest.length - end
    if (openBytes <= LONGEST) continue
    if (!onTooLong) throw damaged(origin.path, line, 'it is longer than 256 MiB')
    open = []
  }
  if (openBytes > 0) onTornTail({ line, bytes: openBytes })
}
