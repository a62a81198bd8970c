import { Writable } from 'node:stream'

/**
 * The terminal as the line editor sees it. While it is `quiet`, because an answer has the screen, what the editor would
 * draw is dropped; what is typed meanwhile is shown by the next prompt.
 */
export class EditorOutput extends Writable {
  quiet = false
  #terminal: NodeJS.WriteStream

  constructor(terminal: NodeJS.WriteStream) {
    super({ decodeStrings: false })
    this.#terminal = terminal
    terminal.on('resize', () => this.emit('resize'))
  }

  /** As wide as can be while it is quiet: the editor must not remember rows that it has not drawn, and clear them later. */
  get columns(): number {
    return this.quiet ? Infinity : this.#terminal.columns
  }

  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.quiet) this.#terminal.write(text)
    done()
  }
}
