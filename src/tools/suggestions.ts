import type { Tool } from './define-tool.ts'
import { toolIndex, type ToolIndex } from './tool-index.ts'

export interface SuggestOptions {
  /** The most tools that are offered at once; `find_tools` comes on top. */
  limit: number
  /** Tools that are always among them. */
  always?: readonly string[] | undefined
}

export interface FoundTool {
  readonly name: string
  readonly description: string
  readonly score: number
}

/** Sessions of which is remembered what was used; the oldest leave first. */
const MOST_SESSIONS = 10_000
/** A query longer than this says nothing more about what is wanted. */
const LONGEST_QUERY = 4_000

/** What a session used: the tools that were found for it or called in it, newest first, and what was last asked for. */
interface Used {
  readonly tools: readonly string[]
  readonly query: string
}

const NOTHING: Used = { tools: [], query: '' }

/**
 * Chooses the few tools that a model is offered out of many: those that are always, those that were found or called before,
 * and those that have to do with what the user said. What was used takes at most half of the places that are left, newest
 * first. Places that nothing takes ("Yes, please.") go to what had to do with the query before, then to more of what was used.
 */
export class Suggestions {
  readonly #tools: ReadonlyMap<string, Tool>
  #index: ToolIndex | undefined
  readonly #used = new Map<string, Used>()

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
    const take = (names: readonly string[], most = limit): void => {
      for (const name of names) if (chosen.size < most) chosen.add(name)
    }
    const search = (query: string): string[] => this.search(query, { limit, allowed }).map(({ name }) => name)

    const { tools, query: before } = this.#of(about.session)
    const used = tools.filter((name) => allowed.has(name) && !chosen.has(name))
    take(used, chosen.size + Math.ceil(Math.max(0, limit - chosen.size) / 2))
    const text = about.text ?? ''
    const found = search(text)
    take(found)
    if (before !== text) take(search(before))
    take(used)
    // What finds nothing is no query: the next answer of that kind goes on with the one before, too.
    if (found.length > 0) this.#remember(about.session, { tools, query: text.slice(0, LONGEST_QUERY) })
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

  /** Offers what was found or called for the rest of the session, as long as it is in memory. */
  remember(session: string | undefined, names: readonly string[]): void {
    const { tools, query } = this.#of(session)
    this.#remember(session, { tools: [...new Set([...names, ...tools])], query })
  }

  forget(session: string): void {
    this.#used.delete(session)
  }

  #of(session: string | undefined): Used {
    return this.#used.get(session ?? '') ?? NOTHING
  }

  #remember(session: string | undefined, used: Used): void {
    if (session === undefined) return
    this.#used.delete(session)
    this.#used.set(session, used)
    const [oldest] = this.#used.keys()
    if (this.#used.size > MOST_SESSIONS && oldest !== undefined) this.#used.delete(oldest)
  }
}
