/** Lines that were typed or pasted and not yet taken; an async loop over them ends when the input does. */
export class WaitingLines<Line> {
  closed = false
  #lines: Line[] = []
  #wake: () => void = () => undefined

  get waiting(): number {
    return this.#lines.length
  }

  push(line: Line): void {
    this.#lines.push(line)
    this.#wake()
  }

  close(): void {
    this.closed = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Line> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) yield line
      else if (this.closed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
