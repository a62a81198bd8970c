import type { Session } from '../messages/session.ts'
import type { HeldSession } from './session-storage.ts'

/** What an `OpenSession` may give a session that has none yet. */
export interface SessionDefaults {
  name?: string | undefined
  model?: string | undefined
  systemPrompt?: string | undefined
}

/** A session without messages, version 1. */
export function newSession(id: string, given: SessionDefaults, time: number): Session {
  return {
    v: 1,
    id,
    name: given.name ?? null,
    version: 1,
    model: given.model ?? null,
    systemPrompt: given.systemPrompt ?? null,
    createdAt: time,
    updatedAt: time,
    context: {},
    messages: [],
  }
}

/** Sets the given fields where the session has none yet: one update, or nothing if it has them all. */
export function fillSession(held: HeldSession, given: SessionDefaults, time: number): void {
  const { session } = held
  const set: SessionDefaults = {}
  for (const field of ['name', 'model', 'systemPrompt'] as const) {
    if (session[field] === null && given[field] !== undefined) set[field] = given[field]
  }
  if (Object.keys(set).length === 0) return
  held.change({ from: session.version, version: session.version + 1, time, set })
}
