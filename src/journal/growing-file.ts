import type { FileHandle } from 'node:fs/promises'
import { damaged } from './journal-source.ts'
import { LineBlock, LONGEST, type Origin } from './line-block.ts'
import { linesOf, type ScannedLines } from './lines-of-block.ts'
import { opened } from './open-segments.ts'
import { SeqCheck } from './seq-check.ts'

const NEWLINE = 0x0a
/** Bytes read at once; more only for a longer line. */
const CHUNK = 256 * 1024

export interface GrowingFileOptions {
  readonly blobs: 'resolve' | 'keep'
  /** The `seq` of its first line; undefined takes any. */
  readonly expected: number | undefined
}

/**
 * A file that somebody still writes, read as far as it has whole lines. Bytes after the last newline are read again each
 * time: the next writer may cut them.
 */
export class GrowingFile {
  readonly #origin: Origin
  readonly #file: FileHandle
  /** Which file it is, whatever its name becomes. */
  readonly inode: bigint
  /** Where the next line begins. */
  #offset = 0
  #line = 1

  #check: SeqCheck

  static async open(path: string, options: GrowingFileOptions): Promise<GrowingFile> {
    const file = await opened(path)
    try {
      const { ino } = await file.stat({ bigint: true })
      return new GrowingFile({ path, file, inode: ino, ...options })
    } catch (error) {
      await file.close()
      throw error
    }
  }

  private constructor(of: { path: string; file: FileHandle; inode: bigint } & GrowingFileOptions) {
    this.#origin = { path: of.path, hasBlobs: of.blobs === 'resolve' }
    this.#file = of.file
    this.inode = of.inode
    this.#check = new SeqCheck(of.expected)
  }

  /**
   * Some of the lines that come next; undefined when there is none yet. After lines that were cut since it begins with
   * the file again.
   */
  async next(): Promise<ScannedLines | undefined> {
    const bytes = await this.#wholeLines()
    if (bytes) return this.#took(bytes)
    return undefined
  }

  /** Whether there are whole lines that were not read. */
  async hasMore(): Promise<boolean> {
    return (await this.#wholeLines()) !== undefined
  }

  /** The `seq` of its first line; undefined when there is none. To be asked before anything was read. */
  async firstSeq(): Promise<number | undefined> {
    const bytes = await this.#wholeLines()
    if (!bytes) return undefined
    const first = new LineBlock(this.#origin, 1, bytes.subarray(0, bytes.indexOf(NEWLINE) + 1))
    const { lines, fault } = linesOf(first, new SeqCheck())
    if (fault !== undefined) throw fault
    return lines[0]?.envelope.seq
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #wholeLines(): Promise<Buffer | undefined> {
    for (let length = CHUNK; ; length *= 2) {
      const bytes = await this.#read(length)
      const end = bytes.lastIndexOf(NEWLINE) + 1
      if (end > 0) return bytes.subarray(0, end)
      if (bytes.length < length) return undefined
      if (length >= LONGEST) throw damaged(this.#origin.path, this.#line, 'it is longer than 256 MiB')
    }
  }

  /** From the byte before the next line on, which must be a newline still. */
  async #read(length: number): Promise<Buffer> {
    const before = this.#offset === 0 ? 0 : 1
    const bytes = Buffer.allocUnsafe(length + before)
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, this.#offset - before)
    if (before === 1 && (bytesRead === 0 || bytes[0] !== NEWLINE)) return this.#startAgain(length)
    return bytes.subarray(before, Math.max(before, bytesRead))
  }

  /** Lines that were read have been cut since (a failed sync): what stands there now is looked at from the start. */
  #startAgain(length: number): Promise<Buffer> {
    this.#offset = 0
    this.#line = 1
    this.#check = new SeqCheck()
    return this.#read(length)
  }

  #took(bytes: Buffer): ScannedLines {
    const block = new LineBlock(this.#origin, this.#line, bytes)
    this.#offset += bytes.length
    this.#line += block.lineCount
    return linesOf(block, this.#check)
  }
}
