import { partHandle, shownTexts } from '../messages/tool-content.ts'
import type { Tool } from './define-tool.ts'
import { readToolResult } from './read-result.ts'
import { resultStore, type ResultStore } from './result-store.ts'
import { checkWholeNumber } from './check-option.ts'

export interface KeepResultsOptions {
  /** Results with more characters are kept (default 20 000, which is what the engine shows of one). */
  over?: number | undefined
  /** Bytes of all that is kept together (default 64 MiB). */
  maxBytes?: number | undefined
  /** Milliseconds that a result is kept (default one hour). */
  ttl?: number | undefined
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

  /** Keeps each text that the model would be shown only the beginning of, under the handle that it is told. */
  keep(result: { session: string | undefined; call: string; value: unknown }): void {
    const { session, call, value } = result
    let isKept = false
    for (const [place, text] of shownTexts(value).entries()) {
      if (text.length <= this.#over) continue
      isKept = this.#store.keep({ session, call: partHandle(call, place), text }) || isKept
    }
    if (!isKept) return
    this.#sessions.add(session ?? '')
    const [oldest] = this.#sessions
    if (this.#sessions.size > MOST_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
  }

  /** Forgets what a session had that is deleted: the next one of that id is somebody else's. */
  forget(session: string): void {
    this.#sessions.delete(session)
    this.#store.forget(session)
  }
}
