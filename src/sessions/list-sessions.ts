import { BuslineError } from '../messages/busline-error.ts'
import type { Session, SessionSummary } from '../messages/session.ts'
import type { HeldSession, KeptSession, SessionStorage } from './session-storage.ts'

/**
 * Summaries of all sessions that are still there, last updated first, then by id. One that can't be read does not hide the others: it
 * is left out, with a process warning `BUSLINE_SESSION_SKIPPED` that says which and why.
 */
export function listSessions(
  storage: SessionStorage,
  open: ReadonlyMap<string, HeldSession>,
  isThere: (kept: KeptSession) => boolean = () => true,
): SessionSummary[] {
  const ids = new Set([...open.keys(), ...storage.ids()])
  return [...ids]
    .flatMap((id) => open.get(id) ?? readOrSkip(storage, id))
    .filter(isThere)
    .map(({ session }) => summaryOf(session))
    .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1))
}

function readOrSkip(storage: SessionStorage, id: string): KeptSession[] {
  try {
    const kept = storage.read(id)
    return kept ? [kept] : []
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
    process.emitWarning(`Session ${id} is left out of the list. ${error.message}`, {
      code: 'BUSLINE_SESSION_SKIPPED',
    })
    return []
  }
}

function summaryOf({ id, name, model, messages, updatedAt }: Session): SessionSummary {
  const turns = new Set(messages.flatMap(({ turn }) => turn ?? []))
  return { id, name, model, turns: turns.size, updatedAt }
}
