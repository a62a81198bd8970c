import { MessageScope } from '../bus/message-scope.ts'
import { blockedBy } from '../bus/publication.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Those that can't go on until the work of `scope` has ended: they executed it, directly or not, or wait with
 * `settled` for an event that led to it. Who only published that event goes on by itself, so the ids alone, which are
 * prefixes of each other, would not tell. Not the same message again: an attempt that was left behind ends by itself.
 */
export function heldUpBy<Work extends { readonly scope: Scope }>(
  scope: Scope,
  works: Iterable<Work>,
): readonly Work[] {
  if (!(scope instanceof MessageScope)) return []
  const waiting = [...blockedBy(scope)].filter((other) => !isSameWork(other, scope))
  return [...works].filter((work) => waiting.some((other) => isSameWork(other, work.scope)))
}

/** Two scopes of one execution, or of one event's delivery to one subscriber: a layer with limits makes another. */
function isSameWork(one: MessageScope, other: Scope): boolean {
  return other instanceof MessageScope && one.message === other.message && one.subscriber === other.subscriber
}
