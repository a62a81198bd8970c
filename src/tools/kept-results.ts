import type { Tool } from './define-tool.ts'
import { readToolResult } from './read-result.ts'
import { resultStore, type ResultStore } from './result-store.ts'
import { checkWholeNumber } from './check-option.ts'

export interface KeepResultsOptions {
  /** Results with more characters are kept (default 20 000, which is what the engine shows of one). */
  over?: number
  /** Bytes of all that is kept together (default 64 MiB). */
  maxBytes?: number
  /** Milliseconds that a result is kept (default one hour). */
  ttl?: number
}

const OVER = 20_000
const MOST_SESSIONS = 10_000

/** Keeps results that are too long to be shown whole, and offers to read on in them where there are any. */
export class KeptResults {
  /** `read_tool_result`. */
  readonly tool: Tool
  readonly #store: ResultStore
  readonly #over: number
  /** Those that have had a long result; the oldest leave first. */
  readonly #sessions = new Set<string>()

  constructor({ over = OVER, ...bounds }: KeepResultsOptions, now: () => number) {
    checkWholeNumber('toolManager.results.over', over)
    this.#over = over
    this.#store = resultStore({ ...bounds, now })
    this.tool = Object.freeze({ ...readToolResult(this.#store), approval: false })
  }

  /** Whether there may be something to read on in. */
  has(session: string | undefined): boolean {
    return this.#sessions.has(session ?? '')
  }

  keep(result: { session: string | undefined; call: string; value: unknown }): void {
    const { session, call, value } = result
    const text = this.#longText(value)
    if (text === undefined || !this.#store.keep({ session, call, text })) return
    this.#sessions.add(session ?? '')
    const [oldest] = this.#sessions
    if (this.#sessions.size > MOST_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
  }

  /** What the model would be shown, if that is too long: a text, the first long text of content parts, or JSON. */
  #longText(value: unknown): string | undefined {
    if (typeof value === 'string') return this.#ifLong(value)
    if (typeof value !== 'object' || value === null) return undefined
    const parts: unknown[] = Array.isArray(value) ? value : []
    const texts = parts.map((part) => this.#ifLong(textOfPart(part)))
    return texts.find((text) => text !== undefined) ?? this.#ifLong(JSON.stringify(value))
  }

  #ifLong(text: string | undefined): string | undefined {
    return text !== undefined && text.length > this.#over ? text : undefined
  }
}

function textOfPart(part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null || !('type' in part) || part.type !== 'text') return undefined
  return 'text' in part && typeof part.text === 'string' ? part.text : undefined
}
