import type { Middleware, MiddlewareMessage } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Holds back what the predicate does not want: a delivery is skipped and recorded as `bus.filtered`, a command fails
 * with `FILTERED`. A predicate that throws fails the message with its error.
 *
 * @param name how stack traces name it (default `filter`)
 */
export function filter(
  predicate: (message: MiddlewareMessage, scope: Scope) => boolean | Promise<boolean>,
  name = 'filter',
): Middleware {
  const filter: Middleware = async (message, next, scope) =>
    (await predicate(message, scope)) ? next() : undefined
  return Object.defineProperty(filter, 'name', { value: name })
}
