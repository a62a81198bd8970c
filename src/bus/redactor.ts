/** Key names whose values are never recorded, matched whole; never `token` alone, which counts tokens too. */
const SECRET_KEY = /^(?:api_?key|authorization|password|secret|access_token)$/i
const SECRET_KEY_IN_LINE = /"(?:api_?key|authorization|password|secret|access_token)":/i

const PLACEHOLDER = '[secret]'
const SHORTEST = 8

/** Replaces secrets in whatever is about to be recorded or printed: registered values anywhere, and by key name. */
export class Redactor {
  #values: string[] = []
  /** The same as they stand inside a JSON string, and inside JSON that stands in one, as a tool's arguments do. */
  #escaped: string[] = []
  #warned = false

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
    this.#values = longestFirst([...this.#values, ...forms, escaped(value)])
    this.#escaped = longestFirst([...this.#escaped, ...forms.map(escaped), escaped(escaped(value))])
  }

  /** Replaces registered values in a text. */
  text(text: string): string {
    return replaceAny(text, this.#values)
  }

  /** Serialises a value without its secrets; undefined when there is nothing to write. */
  json(value: unknown): string | undefined {
    const line: string | undefined = JSON.stringify(value)
    if (line === undefined) return undefined
    const named = SECRET_KEY_IN_LINE.test(line)
      ? JSON.stringify(value, (key, item: unknown) =>
          SECRET_KEY.test(key) && item !== null ? PLACEHOLDER : item,
        )
      : line
    // Not in the line itself: a value such as 12345678 would tear a hole into a number.
    return this.#escaped.some((secret) => named.includes(secret))
      ? JSON.stringify(this.#clean(JSON.parse(named)))
      : named
  }

  #clean(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number') return this.text(String(value)).includes(PLACEHOLDER) ? PLACEHOLDER : value
    if (Array.isArray(value)) return value.map((item) => this.#clean(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.#clean(item)]))
  }

  /**
   * How many characters at the end of a text might be the beginning of a registered value: what a stream has to
   * hold back before it can tell.
   */
  openTail(text: string): number {
    let longest = 0
    for (const value of this.#values) {
      for (let length = Math.min(value.length - 1, text.length); length > longest; length--) {
        if (value.startsWith(text.slice(-length))) longest = length
      }
    }
    return longest
  }
}

function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

function longestFirst(values: string[]): string[] {
  return [...new Set(values)].sort((a, b) => b.length - a.length)
}

function replaceAny(text: string, values: readonly string[]): string {
  let clean = text
  for (const value of values) if (clean.includes(value)) clean = clean.replaceAll(value, PLACEHOLDER)
  return clean
}
