import { MessageScope } from '../bus/message-scope.ts'
import type { MiddlewareMessage } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'

/** Chooses what shares a circuit, a limit or a bucket, e.g. by the tenant in `scope.context` (default: the route). */
export type KeyOf = (message: MiddlewareMessage, scope: Scope) => string

/**
 * The key of a message: what the policy was told, else its route. The route of a command is its type; that of a
 * delivery names the subscriber too, because a subscriber that fails or is slow must not reach the others.
 */
export function routeOf(message: MiddlewareMessage, scope: Scope, key: KeyOf | undefined): string {
  if (key) return key(message, scope)
  const subscriber = scope instanceof MessageScope ? scope.subscriber : undefined
  return subscriber ? `${message.type} at ${subscriber.name}` : message.type
}
