import { EventEmitter } from 'eventemitter3'
import type { Subscriber } from './subscriber.ts'

/**
 * Who listens to what, by type and by pattern (`tool.*`, `**`). eventemitter3 is the table only: its own `emit`
 * stops at the first listener that throws and drops promises, so delivery is the mailboxes' work. What a type
 * reaches is computed once and kept until someone comes or goes, so publishing copies nothing.
 */
export class ListenerTable {
  #table = new EventEmitter()
  #subscribers = new Map<(...args: unknown[]) => void, Subscriber>()
  #reached = new Map<string, readonly Subscriber[]>()

  get size(): number {
    return this.#subscribers.size
  }

  /** Registers under one or several types or patterns; returns the removal. */
  add(selectors: readonly string[], subscriber: Subscriber): () => void {
    const listener = (): void => undefined
    this.#subscribers.set(listener, subscriber)
    for (const selector of selectors) this.#table.on(selector, listener)
    this.#reached.clear()
    return () => {
      this.#subscribers.delete(listener)
      for (const selector of selectors) this.#table.off(selector, listener)
      this.#reached.clear()
    }
  }

  /** The subscribers that an event of this type reaches, in the order in which they subscribed. */
  reachedBy(type: string): readonly Subscriber[] {
    const known = this.#reached.get(type)
    if (known) return known

    const listeners = new Set(selectorsFor(type).flatMap((selector) => this.#table.listeners(selector)))
    const reached = byPriority(
      [...this.#subscribers]
        .filter(([listener]) => listeners.has(listener))
        .map(([, subscriber]) => subscriber),
    )
    this.#reached.set(type, reached)
    return reached
  }
}

/** The order of delivery of one event's subscribers; equal priorities keep the order they come in. */
export function byPriority(subscribers: readonly Subscriber[]): readonly Subscriber[] {
  return subscribers.toSorted((a, b) => b.plan.priority - a.plan.priority)
}

/** `a.b.c` is selected by itself, `a.b.*`, `a.*` and `**`. */
function selectorsFor(type: string): string[] {
  const parts = type.split('.')
  const prefixes = parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join('.')}.*`)
  return [type, ...prefixes, '**']
}
