import type { Message } from './envelope.ts'
import { limited, type Limits } from './limited.ts'
import type { MessageScope } from './message-scope.ts'
import type { Scope } from './scope.ts'

/** What a middleware sees: the envelope and the parsed data (a command's input, an event's data). */
export type MiddlewareMessage = Pick<
  Message,
  'kind' | 'type' | 'id' | 'session' | 'turn' | 'cause' | 'root' | 'time' | 'data'
>

/** Runs the inner layers, once or again; under a timeout or a signal of its own if given. */
export type Next = (limits?: Limits) => Promise<unknown>

/**
 * One layer of the onion around a command's handler or around each delivery of an event. `next()` runs the inner
 * layers; what is returned is the result. Not calling it filters a delivery, or answers a command in its place; one
 * that has nothing to answer with returns {@link NO_OUTPUT}, because undefined without `next` holds the command back.
 */
export type Middleware = (message: MiddlewareMessage, next: Next, scope: Scope) => unknown

/** What a middleware returns to answer a command with undefined without calling `next`. */
export const NO_OUTPUT: unique symbol = Symbol('busline.noOutput')

/** The inner end of the onion. */
export type Leaf = (message: Message, scope: MessageScope) => unknown

/** Told the name of the layer that neither called `next` nor answered. */
export type OnHeld = (layer: string) => void

/** All layers as one. The first registered is the outermost. */
export type Onion = (message: Message, scope: MessageScope, leaf: Leaf, onHeld: OnHeld) => unknown

/** Composes the layers that apply to one route; undefined when none does, so that a bare route pays nothing. */
export function compose(layers: readonly Middleware[]): Onion | undefined {
  if (layers.length === 0) return undefined
  return (message, scope, leaf, onHeld) => {
    const from = async (index: number, inside: MessageScope): Promise<unknown> => {
      const layer = layers[index]
      if (!layer) return leaf(message, inside)
      let passed = false
      const next: Next = (limits) => {
        passed = true
        const inner = limits
          ? limited(inside, limits, message.type, (narrowed) => from(index + 1, narrowed))
          : from(index + 1, inside)
        // A layer that does not wait for the rest has chosen not to learn how it ends; that is no crash.
        inner.catch(() => undefined)
        return inner
      }
      const answer = await layer(message, next, inside)
      if (answer === undefined && !passed) onHeld(layer.name)
      return answer
    }
    return from(0, scope)
  }
}
