import type { Bus, Cleanup } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { ContinueTurn, RunTurn } from '../messages/chat.ts'
import { identified } from '../messages/conversation.ts'
import { identifiedEdits, trustSession } from '../messages/session-news.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
  FindMessages,
  ListSessions,
  OpenSession,
  UpdateSession,
  type Session,
} from '../messages/session.ts'
import { closeSessions } from './close-sessions.ts'
import { listSessions } from './list-sessions.ts'
import { sessionBusy, sessionNotFound } from './session-errors.ts'
import { SessionExpiry } from './session-expiry.ts'
import type { SessionOptions } from './session-options.ts'
import { fillSession, newSession, type SessionDefaults } from './new-session.ts'
import { checkSessionId, quoteId } from './session-id.ts'
import type { HeldSession, SessionStorage } from './session-storage.ts'

/**
 * Handles the `session.*` commands over a storage: what every store has in common. Handlers are synchronous, so no
 * two commands interleave. Returns the cleanup, which closes all open sessions.
 */
export function sessionStore(bus: Bus, storage: SessionStorage, { ttl }: SessionOptions = {}): Cleanup {
  const open = new Map<string, HeldSession>()
  const expiry = ttl === undefined ? undefined : new SessionExpiry(bus, storage, open, ttl)

  bus.handle(OpenSession, function openSession(input, scope) {
    const id = checkSessionId(input.id ?? scope.session ?? bus.newId())
    const known = open.get(id)
    const live = known && expiry?.hasExpired(known) ? undefined : known
    if (known && !live) {
      open.delete(id)
      known.remove()
    }
    const held = live ?? take(storage, id, input, bus.now(), expiry)
    if (live) {
      fillSession(live, input, bus.now())
      expiry?.touch(live)
    }
    open.set(id, held)
    expiry?.watch()
    return trustSession(copyOf(held.session))
  })

  bus.handle(AppendMessages, function appendMessages(input, scope) {
    const held = openIn(open, scope)
    const { session } = held
    checkVersion(session, input.version)
    const messages = identified(input.messages, scope.message)
    const turn = scope.turn === undefined ? {} : { turn: scope.turn }
    held.change({
      at: session.messages.length,
      from: session.version,
      time: bus.now(),
      ...turn,
      messages,
    })
    return { version: session.version }
  })

  bus.handle(CommitTurn, function commitTurn({ turn, status, version }, scope) {
    const held = openIn(open, scope)
    const { session } = held
    checkVersion(session, version)
    held.change({ from: session.version, version: session.version + 1, time: bus.now(), turn, status })
    return { version: session.version }
  })

  bus.handle(UpdateSession, function updateSession({ version, messages, ...fields }, scope) {
    const held = openIn(open, scope)
    const { session } = held
    if (version !== undefined) checkVersion(session, version)
    const set = { ...fields, ...(messages && { messages: identified(messages, scope.message) }) }
    held.change({ from: session.version, version: session.version + 1, time: bus.now(), set })
    return { version: session.version }
  })

  bus.handle(EditMessages, function editMessages({ edits, version }, scope) {
    const held = openIn(open, scope)
    const { session } = held
    if (version !== undefined) checkVersion(session, version)
    held.change({
      from: session.version,
      version: session.version + 1,
      time: bus.now(),
      edits: identifiedEdits(edits, scope.message),
    })
    return { version: session.version }
  })

  bus.handle(FindMessages, async function findInSession(input, scope) {
    // Only a program that searches pays for loading what searches.
    const { findMessages } = await import('./find-messages.ts')
    return findMessages(openIn(open, scope).session.messages, input)
  })

  bus.handle(CloseSession, function closeSession(_input, scope) {
    const held = openIn(open, scope)
    refuseWhileTurnRuns(bus, held.session)
    open.delete(held.session.id)
    held.close()
    return {}
  })

  bus.handle(ListSessions, function listAll() {
    const listed = listSessions(storage, open, (kept) => expiry?.hasExpired(kept) !== true)
    // Another process may have brought what there was nothing of when the sweep ended.
    if (listed.length > 0) expiry?.watch()
    return listed
  })

  bus.handle(DeleteSession, function deleteSession({ id }) {
    const held = open.get(checkSessionId(id))
    open.delete(id)
    if (held) held.remove()
    else storage.remove(id)
    return {}
  })

  return () => {
    expiry?.stop()
    return closeSessions(open)
  }
}

/** Takes a session that is not open yet; one that can't be completed is let go again. */
function take(
  storage: SessionStorage,
  id: string,
  given: SessionDefaults & { create?: boolean | undefined },
  time: number,
  expiry: SessionExpiry | undefined,
): HeldSession {
  const create = (): Session => {
    if (given.create === false) throw sessionNotFound(id)
    return newSession(id, given, time)
  }
  let held = storage.hold(id, create)
  if (expiry?.hasExpired(held)) {
    held.remove()
    held = storage.hold(id, create)
  }
  try {
    fillSession(held, given, time)
    expiry?.touch(held)
    return held
  } catch (error) {
    held.close()
    throw error
  }
}

/** One that a crash interrupted is nobody's: its session can be closed. So can that of a turn whose commit failed. */
function refuseWhileTurnRuns(bus: Bus, { id, openTurn }: Session): void {
  if (openTurn === undefined) return
  const runs = bus
    .inspect()
    .running.some(({ session, type }) => session === id && (type === RunTurn.type || type === ContinueTurn.type))
  if (runs) throw sessionBusy(id, openTurn)
}

/** The caller's own: later appends don't reach it. */
function copyOf(session: Session): Session {
  return { ...session, context: { ...session.context }, messages: [...session.messages] }
}

function openIn(open: ReadonlyMap<string, HeldSession>, { session, message }: Scope): HeldSession {
  const held = session === undefined ? undefined : open.get(session)
  if (held) return held
  const why =
    session === undefined
      ? `${message.type} acts on the session of its scope, and there is none. Send it through bus.session(id).`
      : `Session ${quoteId(session)} is not open. Open it first with OpenSession.`
  throw new BuslineError('SESSION_NOT_OPEN', why, { data: session === undefined ? {} : { session } })
}

function checkVersion({ id, version: actual }: Session, expected: number): void {
  if (expected === actual) return
  throw new BuslineError(
    'VERSION_CONFLICT',
    `Session ${id} has version ${actual}, not ${expected}: it was changed since it was read. Open it again, then repeat the change.`,
    { data: { session: id, expected, actual } },
  )
}
