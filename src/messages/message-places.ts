import type { ConversationMessage } from './conversation.ts'

const known = new WeakMap<readonly ConversationMessage[], { places: Map<string, number>; covered: number }>()

/**
 * Where the messages of a list stand, by id; of those with one id the last. Remembered as long as the list only grows and
 * its messages keep their ids, so that asking again costs what was added since. Who changes it otherwise says so with
 * {@link forgetPlaces}.
 */
export function placesOf(messages: readonly ConversationMessage[]): ReadonlyMap<string, number> {
  const entry = known.get(messages) ?? { places: new Map<string, number>(), covered: 0 }
  known.set(messages, entry)
  for (; entry.covered < messages.length; entry.covered++) {
    const id = messages[entry.covered]?.id
    if (id !== undefined) entry.places.set(id, entry.covered)
  }
  return entry.places
}

/** Messages of the list came, went or moved, other than at its end. */
export function forgetPlaces(messages: readonly ConversationMessage[]): void {
  known.delete(messages)
}
