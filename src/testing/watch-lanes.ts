import { MessageScope } from '../bus/message-scope.ts'
import type { Middleware } from '../bus/middleware.ts'
import type { Subscriber } from '../bus/subscriber.ts'

/** Sees whether two deliveries of one subscriber and key ever overlap, and tells of those that do. */
export function watchLanes(report: (violation: string) => void): Middleware {
  const going = new Map<Subscriber, Map<string, MessageScope>>()
  return async function watchLanes(message, next, scope) {
    if (!(scope instanceof MessageScope)) return next()
    const { subscriber, publication } = scope
    if (!subscriber || !publication) return next()
    const lanes = going.get(subscriber) ?? new Map<string, MessageScope>()
    going.set(subscriber, lanes)
    const key = subscriber.keyOf(publication)
    const other = lanes.get(key)
    // One that was cancelled may have been given up while it goes on: the next does not wait for it.
    if (other && !other.cancellation.reason)
      report(
        `${message.type} (${message.id}) began at ${subscriber.name} during another delivery of key ${JSON.stringify(key)}`,
      )
    lanes.set(key, scope)
    try {
      return await next()
    } finally {
      if (lanes.get(key) === scope) lanes.delete(key)
    }
  }
}
