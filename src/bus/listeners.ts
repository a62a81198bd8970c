import { byPriority, ListenerTable } from './listener-table.ts'
import type { Subscriber } from './subscriber.ts'

const NOBODY: readonly Subscriber[] = []

/** Who hears what: the bus's subscribers hear everything, a session's only its own events. */
export class Listeners {
  #everywhere = new ListenerTable()
  #sessions = new Map<string, ListenerTable>()

  /** Registers under types or patterns; returns the removal. */
  add(selectors: readonly string[], subscriber: Subscriber, session: string | undefined): () => void {
    if (session === undefined) return this.#everywhere.add(selectors, subscriber)
    const table = this.#sessions.get(session) ?? new ListenerTable()
    this.#sessions.set(session, table)
    const remove = table.add(selectors, subscriber)
    return () => {
      remove()
      if (table.size === 0) this.#sessions.delete(session)
    }
  }

  /** Whom an event reaches: by priority, then the bus's before the session's, then in the order of subscribing. */
  reachedBy(type: string, session: string | undefined): readonly Subscriber[] {
    const everywhere = this.#everywhere.reachedBy(type)
    const table = session === undefined ? undefined : this.#sessions.get(session)
    const own = table?.reachedBy(type) ?? NOBODY
    if (own.length === 0) return everywhere
    if (everywhere.length === 0) return own
    return byPriority([...everywhere, ...own])
  }
}
