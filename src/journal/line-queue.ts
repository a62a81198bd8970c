import type { JournalFile } from './journal-files.ts'

/** From this many characters on, lines are one piece to write. */
const PIECE = 64 * 1024
/** Bytes of the buffer that pieces are encoded in; one character takes three at most. */
const SCRATCH = 4 * PIECE

const utf8 = new TextEncoder()

/** Lines on their way into a file, in order: collected, handed over in large pieces, kept until the file took them. */
export class LineQueue {
  #file: JournalFile
  #onTaken: ((text: string, bytes: number) => void) | undefined
  #scratch = Buffer.allocUnsafe(SCRATCH)
  #collected = ''
  #pieces: string[] = []
  #pieceLength = 0
  /** Bytes of the first piece that the file has already. */
  #taken = 0
  #failure: unknown

  /** @param onTaken told of each piece that the file took as a whole */
  constructor(file: JournalFile, onTaken?: (text: string, bytes: number) => void) {
    this.#file = file
    this.#onTaken = onTaken
  }

  /** Characters that the file has not taken. */
  get length(): number {
    return this.#pieceLength + this.#collected.length
  }

  /** Why the last write failed; undefined when it went well. */
  get failure(): unknown {
    return this.#failure
  }

  /** Adds a line at the end, and tells whether that filled a piece, so that writing is worth it. */
  add(line: string): boolean {
    this.#collected += `${line}\n`
    if (this.#collected.length < PIECE) return false
    this.#endPiece()
    return true
  }

  /** Puts pieces back in front of everything, to be written again from their first byte. */
  putBack(pieces: readonly string[]): void {
    this.#pieces.unshift(...pieces)
    for (const piece of pieces) this.#pieceLength += piece.length
    this.#taken = 0
  }

  /** Hands everything to the file. What it does not take is kept, so a later write loses nothing. */
  write(): void {
    try {
      for (let piece = this.#first(); piece !== undefined; piece = this.#first()) {
        const bytes = this.#encode(piece)
        while (this.#taken < bytes.length) this.#taken += this.#append(bytes.subarray(this.#taken))
        this.#pieces.shift()
        this.#pieceLength -= piece.length
        this.#taken = 0
        this.#onTaken?.(piece, bytes.length)
      }
      this.#failure = undefined
    } catch (error) {
      this.#failure = error
    }
  }

  /** Lets go of what could not be written. */
  clear(): void {
    this.#collected = ''
    this.#pieces = []
    this.#pieceLength = 0
    this.#taken = 0
  }

  #append(bytes: Uint8Array): number {
    const taken = this.#file.append(bytes)
    if (taken === 0) throw new Error('the system took no bytes')
    return taken
  }

  #first(): string | undefined {
    // Only now: while writing fails, small pieces would pile up.
    if (this.#pieces.length === 0 && this.#collected !== '') this.#endPiece()
    return this.#pieces[0]
  }

  #endPiece(): void {
    this.#pieces.push(this.#collected)
    this.#pieceLength += this.#collected.length
    this.#collected = ''
  }

  /** Into the one buffer where it fits: an allocation a piece costs a fifth of the whole (Node 20). */
  #encode(piece: string): Uint8Array {
    if (piece.length * 3 > SCRATCH) return Buffer.from(piece)
    return this.#scratch.subarray(0, utf8.encodeInto(piece, this.#scratch).written)
  }
}
