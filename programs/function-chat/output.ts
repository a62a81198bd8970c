/** Standard output that may be closed by its reader (`| head -1`): then nothing more is written, and who asked is told. */
export class Output {
  #stream: NodeJS.WriteStream
  #failure: Error | undefined
  #onFailure: (() => void) | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    stream.on('error', (error) => {
      this.#failure = error
      this.#onFailure?.()
    })
  }

  /** Why nothing can be written any more, as a sentence; undefined while it can. */
  get failure(): string | undefined {
    if (!this.#failure) return undefined
    const closed = 'code' in this.#failure && this.#failure.code === 'EPIPE'
    return closed ? 'Stdout was closed.' : `Stdout can't be written: ${this.#failure.message}.`
  }

  onFailure(listener: () => void): void {
    this.#onFailure = listener
  }

  /** Resolves when the text, and all before it, has been taken or will never be. */
  print(text: string): Promise<void> {
    if (this.#failure) return Promise.resolve()
    return new Promise((resolve) => {
      this.#stream.write(text, () => resolve())
    })
  }
}
