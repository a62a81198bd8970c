import { StringDecoder } from 'node:string_decoder'
import { BuslineError } from '../messages/busline-error.ts'

/** One server-sent event; `event` is `message` unless the server named it. */
export interface ServerEvent {
  event: string
  data: string
}

const MAX_EVENT = 16 * 1024 * 1024

/**
 * Reads server-sent events from bytes, wherever the network cut them. An event that the end of the stream left
 * without its blank line is delivered too. A line `error: …`, which is no field of the standard but what gpustack
 * sends, is an event named `error`.
 *
 * @throws BuslineError `PROVIDER_FAILED` when one event exceeds 16 MB; what the source throws passes through
 */
export async function* readEvents(source: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const text = new Utf8Text()
  const events = new EventFraming()
  for await (const bytes of source) yield* events.push(text.push(bytes))
  yield* events.push(text.end())
  yield* events.end()
}

/**
 * Decodes UTF-8 wherever it was cut, without the byte order mark at its beginning. TextDecoder does the same in three
 * to four times as long for pieces of a few hundred bytes.
 */
export class Utf8Text {
  #decoder = new StringDecoder('utf8')
  #began = false

  push(bytes: Uint8Array): string {
    return this.#withoutMark(this.#decoder.write(bytes))
  }

  /** What the end leaves of a character that was cut. */
  end(): string {
    return this.#withoutMark(this.#decoder.end())
  }

  #withoutMark(text: string): string {
    if (this.#began || text === '') return text
    this.#began = true
    return text.startsWith('\ufeff') ? text.slice(1) : text
  }
}

/** Cuts text into lines and lines into events. Each character is looked at once, however small the pieces. */
export class EventFraming {
  #line = ''
  #data: string[] = []
  #event = ''
  #size = 0
  #afterReturn = false
  #complete: ServerEvent[] = []

  /** Takes the next text, and returns the events that it completes. */
  push(text: string): ServerEvent[] {
    // The \n of a \r\n that was split over two pieces.
    let start = this.#afterReturn && text.startsWith('\n') ? 1 : 0
    if (text !== '') this.#afterReturn = false

    let nextReturn = text.indexOf('\r', start)
    let nextNewline = text.indexOf('\n', start)
    while (nextReturn !== -1 || nextNewline !== -1) {
      const byReturn = nextReturn !== -1 && (nextNewline === -1 || nextReturn < nextNewline)
      const end = byReturn ? nextReturn : nextNewline
      this.#takeLine(this.#line + text.slice(start, end))
      this.#line = ''
      start = end + 1
      if (byReturn && nextNewline === start) start++
      else if (byReturn && start === text.length) this.#afterReturn = true
      if (nextReturn !== -1 && nextReturn < start) nextReturn = text.indexOf('\r', start)
      if (nextNewline !== -1 && nextNewline < start) nextNewline = text.indexOf('\n', start)
    }
    if (start < text.length) this.#line += text.slice(start)
    if (this.#size + this.#line.length > MAX_EVENT) throw tooLarge()
    return this.#taken()
  }

  /** The event that the end left without its blank line, if there is one. */
  end(): ServerEvent[] {
    this.#takeLine(this.#line)
    this.#line = ''
    this.#dispatch()
    return this.#taken()
  }

  #taken(): ServerEvent[] {
    const events = this.#complete
    if (events.length > 0) this.#complete = []
    return events
  }

  #takeLine(line: string): void {
    if (line === '') return this.#dispatch()
    if (line.startsWith('data:')) return this.#addData(line.slice(line[5] === ' ' ? 6 : 5))
    // A bare JSON line where `data:` was forgotten: servers that fail late send their error so.
    if (line.startsWith('{')) return this.#addData(line)

    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.#addData(value)
    else if (field === 'event') this.#event = value
    else if (field === 'error') {
      this.#event = 'error'
      this.#addData(value)
    }
  }

  #addData(value: string): void {
    this.#size += value.length + 1
    if (this.#size > MAX_EVENT) throw tooLarge()
    this.#data.push(value)
  }

  #dispatch(): void {
    if (this.#data.length > 0 || this.#event === 'error') {
      const data = this.#data.length === 1 ? (this.#data[0] ?? '') : this.#data.join('\n')
      this.#complete.push({ event: this.#event || 'message', data })
      this.#data = []
    }
    this.#event = ''
    this.#size = 0
  }
}

function tooLarge(): BuslineError {
  return new BuslineError(
    'PROVIDER_FAILED',
    `The server sent one event of more than ${MAX_EVENT / 1024 / 1024} MB. Is the base URL that of a chat-completions API?`,
  )
}
