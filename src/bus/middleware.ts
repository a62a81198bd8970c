import type { Message } from './envelope.ts'
import type { Scope } from './scope.ts'

/** What a middleware sees: the envelope and the parsed data (a command's input, an event's data). */
export type MiddlewareMessage = Pick<
  Message,
  'kind' | 'type' | 'id' | 'session' | 'turn' | 'cause' | 'root' | 'time' | 'data'
>

/**
 * One layer of the onion around a command's handler or around each delivery of an event. `next()` runs the inner
 * layers; what is returned is the result. Not calling it filters a delivery, or answers a command in its place.
 */
export type Middleware = (message: MiddlewareMessage, next: () => Promise<unknown>, scope: Scope) => unknown

/** The inner end of the onion. */
export type Leaf = (message: Message, scope: Scope) => unknown

/** All layers as one: `run(message, scope, leaf)`. The first registered is the outermost. */
export type Onion = (message: Message, scope: Scope, leaf: Leaf) => unknown

/** Composes the layers that apply to one route; undefined when none does, so that a bare route pays nothing. */
export function compose(layers: readonly Middleware[]): Onion | undefined {
  if (layers.length === 0) return undefined
  return (message, scope, leaf) => {
    const from = async (index: number): Promise<unknown> => {
      const layer = layers[index]
      if (!layer) return leaf(message, scope)
      const next = (): Promise<unknown> => {
        const inner = from(index + 1)
        // A layer that does not wait for the rest has chosen not to learn how it ends; that is no crash.
        inner.catch(() => undefined)
        return inner
      }
      return layer(message, next, scope)
    }
    return from(0)
  }
}

/** Whether a type is meant by a selector: itself, `a.*` for everything under `a.`, `**` for all. */
export function selects(selector: string, type: string): boolean {
  if (selector === '**') return true
  return selector.endsWith('.*') ? type.startsWith(selector.slice(0, -1)) : selector === type
}
