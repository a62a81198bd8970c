import { SECRET_PLACEHOLDER } from '../messages/secret-fields.ts'
import { jsonWithoutSecretKeys } from './secret-keys.ts'
import { openEnd, rangesOf } from './secret-ranges.ts'

const SHORTEST = 8

/** A text that comes in pieces, up to where no secret can be open. */
export interface Part {
  /** Without secrets. */
  clean: string
  /** What may be the beginning of a secret; belongs before the next piece. */
  rest: string
  /** How many characters of the rest are the end of a secret for which `clean` holds the placeholder already. */
  told: number
}

/** Replaces secrets in whatever is about to be recorded or printed: registered values anywhere, and by key name. */
export class Redactor {
  #values: string[] = []
  /** The same as they stand inside a JSON string, and inside JSON that stands in one, as a tool's arguments do. */
  #escaped: string[] = []
  #warned = false
  /** {@link Redactor.text} as one function for good: what is remembered by it is remembered for this bus. */
  readonly redact = (text: string): string => this.text(text)

  /** Registers a value. One shorter than 8 characters is refused with one warning: it would eat ordinary text. */
  add(value: string): void {
    if (value.length < SHORTEST) {
      if (this.#warned) return
      this.#warned = true
      process.emitWarning(
        `A secret of fewer than ${SHORTEST} characters can't be redacted; use a longer one.`,
        {
          code: 'BUSLINE_SHORT_SECRET',
        },
      )
      return
    }
    // Servers echo what they were sent as they hold it: in a URL, or in a header's base64.
    const bytes = Buffer.from(value)
    const forms = [value, encodeURIComponent(bytes.toString()), bytes.toString('base64')]
    this.#values = [...new Set([...this.#values, ...forms, escaped(value)])]
    this.#escaped = [...new Set([...this.#escaped, ...forms.map(escaped), escaped(escaped(value))])]
  }

  /** Replaces registered values in a text. */
  text(text: string): string {
    return this.#replaced(text, text.length, 0).clean
  }

  /**
   * Replaces registered values in the next piece of a text, and leaves over what may be the beginning of one: all parts
   * together are what {@link Redactor.text} makes of the whole, wherever it was cut.
   *
   * @param text the rest of the part before, and what has come since
   * @param told as the part before has it
   */
  part(text: string, told: number): Part {
    return this.#replaced(text, text.length - openEnd(text, this.#values), told)
  }

  /** The last part: nothing is left over. */
  lastPart(text: string, told: number): string {
    return this.#replaced(text, text.length, told).clean
  }

  /** Serialises a value without its secrets; undefined when there is nothing to write. */
  json(value: unknown): string | undefined {
    const named = jsonWithoutSecretKeys(value)
    // Not in the line itself: a value such as 12345678 would tear a hole into a number.
    return named !== undefined && this.#escaped.some((secret) => named.includes(secret))
      ? JSON.stringify(this.#clean(JSON.parse(named)))
      : named
  }

  #clean(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number')
      return this.text(String(value)).includes(SECRET_PLACEHOLDER) ? SECRET_PLACEHOLDER : value
    if (Array.isArray(value)) return value.map((item) => this.#clean(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.#clean(item)]))
  }

  #replaced(text: string, end: number, told: number): Part {
    const ranges = rangesOf(text, this.#values, told > 0 ? [0, told] : undefined)
    let clean = ''
    let at = 0
    for (const [from, to] of ranges) {
      if (from >= end) break
      clean += text.slice(at, from)
      if (from > 0 || told === 0) clean += SECRET_PLACEHOLDER
      at = to
    }
    return {
      clean: clean + text.slice(at, Math.max(at, end)),
      rest: text.slice(end),
      told: Math.max(0, at - end),
    }
  }
}

function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}
