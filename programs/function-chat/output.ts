import type { Writable } from 'node:stream'

/** Standard output that may be closed by its reader (`| head -1`): then nothing more is written, and who asked is told. */
export class Output {
  #stream: Writable
  #failure: Error | undefined
  #onFailure: (() => void) | undefined

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', (error) => {
      this.#failure = error
      this.#onFailure?.()
    })
  }

  /** Why nothing can be written any more, as a sentence; undefined while it can. */
  get failure(): string | undefined {
    if (!this.#failure) return undefined
    return this.isClosed ? 'Stdout was closed.' : `Stdout can't be written: ${this.#failure.message}.`
  }

  /** Whether its reader has left, which is no failure where everything that was asked for was shown. */
  get isClosed(): boolean {
    return this.#failure !== undefined && 'code' in this.#failure && this.#failure.code === 'EPIPE'
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
