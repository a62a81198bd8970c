/** Which lines a run has, for those who asked for another one. */
export class LineRange {
  #first: number | undefined
  #last = 0

  /** The lines in their order. */
  take(line: number): void {
    this.#first ??= line
    this.#last = line
  }

  toString(): string {
    if (this.#first === undefined) return 'has no line'
    return this.#first === this.#last
      ? `has line ${this.#first} only`
      : `has lines ${this.#first} to ${this.#last}`
  }
}
