import type { Session } from '../messages/session.ts'
import type { SessionChange } from './session-change.ts'

/** A session as it is kept. */
export interface KeptSession {
  readonly session: Session
  /** Brought from elsewhere and not touched since: its times say nothing about how long nobody has used it. */
  readonly isUntouched?: boolean
}

/** What a store needs of a place that keeps sessions. Ids that reach it are legal. All of it is synchronous. */
export interface SessionStorage {
  /** The ids of all sessions that are kept, in any order. */
  ids(): string[]
  /** A kept session as others may see it, without holding it; undefined when there is none. Throws if damaged. */
  read(id: string): KeptSession | undefined
  /** Takes a session exclusively; keeps what `create` makes if there is none. Throws `SESSION_IN_USE`. */
  hold(id: string, create: () => Session): HeldSession
  /** Forgets a session that this storage does not hold. Throws `SESSION_NOT_FOUND`, `SESSION_IN_USE`. */
  remove(id: string): void
}

/** A session that is held exclusively until `close` or `remove`, which release it even when they throw. */
export interface HeldSession extends KeptSession {
  /** The live session. Only `change` changes it. */
  readonly session: Session
  /** Keeps a change, then applies it. If it throws, neither has happened. */
  change(change: SessionChange): void
  /** Releases the session; what was kept stays. */
  close(): void
  /** Forgets the session and releases it. */
  remove(): void
}
