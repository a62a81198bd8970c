import type { Participant } from '../bus/bus.ts'
import type { Session } from '../messages/session.ts'
import { prepareChange } from './session-change.ts'
import { sessionInUse, sessionNotFound } from './session-errors.ts'
import type { HeldSession, SessionStorage } from './session-storage.ts'
import { checkSessionOptions, type SessionOptions } from './session-options.ts'
import { sessionStore } from './session-store.ts'

/**
 * A session store in memory: what {@link jsonFileSessions} does, without files. The sessions live as long as the
 * participant, so one that is attached again, or to another bus, finds them.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function memorySessions(options: SessionOptions = {}): Participant {
  checkSessionOptions(options)
  const storage = memoryStorage()
  return function memorySessions(bus) {
    return sessionStore(bus, storage, options)
  }
}

function memoryStorage(): SessionStorage {
  const sessions = new Map<string, Session>()
  const heldIds = new Set<string>()

  return {
    ids: () => [...sessions.keys()],
    read(id) {
      const session = sessions.get(id)
      return session && { session }
    },
    hold(id, create): HeldSession {
      if (heldIds.has(id)) throw sessionInUse(id, process.pid)
      const session = sessions.get(id) ?? create()
      sessions.set(id, session)
      heldIds.add(id)
      return {
        session,
        change: (change) => prepareChange(session, change)(),
        close: () => void heldIds.delete(id),
        remove: () => {
          sessions.delete(id)
          heldIds.delete(id)
        },
      }
    },
    remove(id) {
      if (heldIds.has(id)) throw sessionInUse(id, process.pid)
      if (!sessions.delete(id)) throw sessionNotFound(id)
    },
  }
}
