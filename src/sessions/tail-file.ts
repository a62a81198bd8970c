import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { onFile } from './session-errors.ts'

/** How much of a tail file is whole, and whether bytes stand after that. */
export interface TailState {
  lines: number
  wholeBytes: number
  tornBytes: number
}

/** The lines that were added to a session since its JSON file was written. Made by `open`, or with the first one. */
export class TailFile {
  #path: string
  #file: number | undefined
  #lines: number
  #wholeBytes: number
  /** Bytes may stand after the whole lines: of a writer that died, or of our own failed write. */
  #torn: boolean

  constructor(path: string, found: TailState) {
    this.#path = path
    this.#lines = found.lines
    this.#wholeBytes = found.wholeBytes
    this.#torn = found.tornBytes > 0
  }

  get lines(): number {
    return this.#lines
  }

  /** Opens the file, making it if need be: making one takes longer than a whole turn on some file systems. */
  open(): void {
    onFile(this.#path, 'written', () => this.#opened())
  }

  /**
   * Adds a line with one write(2): in the kernel then, so it survives this process, not a power cut. A write that
   * fails leaves at most a torn line, which readers ignore and which is cut before the next one.
   *
   * @throws BuslineError `FILE_FAILED`
   */
  append(line: string): void {
    onFile(this.#path, 'written', () => {
      const file = this.#opened()
      if (this.#torn) ftruncateSync(file, this.#wholeBytes)

      const bytes = Buffer.from(`${line}\n`)
      this.#torn = true
      // The system may take a part only, when space runs out; the rest then says why.
      for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
      this.#torn = false
      this.#wholeBytes += bytes.length
      this.#lines++
    })
  }

  /** Removes the file; the next line begins a new one. */
  remove(): void {
    this.close()
    onFile(this.#path, 'removed', () => rmSync(this.#path, { force: true }))
    this.#lines = 0
    this.#wholeBytes = 0
    this.#torn = false
  }

  /** Lets go of the file, which stays. Safe to call twice. */
  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    closeSync(file)
  }

  #opened(): number {
    this.#file ??= openSync(this.#path, 'a', 0o600)
    return this.#file
  }
}
