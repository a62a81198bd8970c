import type { Tool } from './define-tool.ts'
import { toolIndex, type ToolIndex } from './tool-index.ts'

export interface SuggestOptions {
  /** The most tools that are offered at once; `find_tools` comes on top. */
  limit: number
  /** Tools that are always among them. */
  always?: readonly string[]
}

export interface FoundTool {
  readonly name: string
  readonly description: string
  readonly score: number
}

/** Sessions whose found tools are remembered; the oldest leave first. */
const MOST_SESSIONS = 10_000
/** A query longer than this says nothing more about what is wanted. */
const LONGEST_QUERY = 4_000

/**
 * Chooses the few tools that a model is offered out of many: those that are always, those that it found before, and those that
 * have to do with what the user said. What was found takes at most half of the places that are left, newest first.
 */
export class Suggestions {
  readonly #tools: ReadonlyMap<string, Tool>
  #index: ToolIndex | undefined
  readonly #found = new Map<string, readonly string[]>()

  constructor(tools: ReadonlyMap<string, Tool>) {
    this.#tools = tools
  }

  /** The tools among those that `may` be offered, in the order in which they are defined. */
  choose(
    may: readonly Tool[],
    about: { text: string | undefined; session: string | undefined },
    { limit, always = [] }: SuggestOptions,
  ): Tool[] {
    if (may.length <= limit) return [...may]
    const allowed = new Set(may.map(({ name }) => name))
    const chosen = new Set(always.filter((name) => allowed.has(name)))
    const found = (this.#found.get(about.session ?? '') ?? []).filter(
      (name) => allowed.has(name) && !chosen.has(name),
    )
    const places = Math.ceil(Math.max(0, limit - chosen.size) / 2)
    for (const name of found.slice(0, places)) chosen.add(name)
    for (const { name } of this.search(about.text ?? '', { limit, allowed })) {
      if (chosen.size >= limit) break
      chosen.add(name)
    }
    return may.filter(({ name }) => chosen.has(name))
  }

  /** Searches tools by what they do, best first. */
  search(query: string, { limit, allowed }: { limit: number; allowed: ReadonlySet<string> }): FoundTool[] {
    if (query.trim() === '') return []
    this.#index ??= toolIndex([...this.#tools.values()])
    // All of them are asked for where some may not be offered: those would else take the places of others.
    const asked = allowed.size === this.#tools.size ? limit : this.#tools.size
    return this.#index
      .search(query.slice(0, LONGEST_QUERY), asked)
      .filter(({ name }) => allowed.has(name))
      .slice(0, limit)
      .map(({ name, score }) => ({ name, description: this.#tools.get(name)?.description ?? '', score }))
  }

  /** Offers what was found for the rest of the session, as long as it is in memory. */
  remember(session: string | undefined, names: readonly string[]): void {
    if (session === undefined) return
    const before = this.#found.get(session) ?? []
    this.#found.delete(session)
    this.#found.set(session, [...new Set([...names, ...before])])
    const [oldest] = this.#found.keys()
    if (this.#found.size > MOST_SESSIONS && oldest !== undefined) this.#found.delete(oldest)
  }
}
