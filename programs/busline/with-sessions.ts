import {
  BuslineError,
  CloseSession,
  jsonFileSessions,
  ListSessions,
  MessageBus,
  OpenSession,
  visibleLine,
  type Bus,
  type Session,
} from 'busline'
import { UsageError } from '../function-chat/usage-error.ts'
import { nearest } from './nearest.ts'

/** Runs work on a bus whose only participant is the store of a folder. */
export async function withSessions<T>(dir: string, work: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = new MessageBus()
  try {
    bus.attach(jsonFileSessions(dir))
    return await work(bus)
  } finally {
    await bus.stop()
  }
}

/**
 * The session that an id or the beginning of one means. One that no listed session has is returned as it is when it may be
 * that of a damaged file, which no list holds.
 *
 * @throws UsageError when several sessions begin so
 */
export async function sessionId(bus: Bus, wanted: string): Promise<string> {
  const ids = (await bus.execute(ListSessions, {})).map(({ id }) => id)
  if (ids.includes(wanted)) return wanted
  const found = ids.filter((id) => id.startsWith(wanted))
  if (found.length > 1)
    throw new UsageError(
      `${visibleLine(wanted, 80)} is the beginning of ${found.length} sessions: ${found.slice(0, 8).join(', ')}. Say more of it.`,
    )
  return found[0] ?? wanted
}

/** Reads a session whole, by an id or the beginning of one. @throws BuslineError of the store, `SESSION_NOT_FOUND` with near ids */
export async function readSession(bus: Bus, wanted: string, dir: string): Promise<Session> {
  const id = await sessionId(bus, wanted)
  try {
    const session = await bus.execute(OpenSession, { id, create: false })
    await bus.session(id).execute(CloseSession, {})
    return session
  } catch (error) {
    throw await explained(bus, error, { id, dir })
  }
}

/** What a store said of a session, with the ids that may have been meant. */
export async function explained(
  bus: Bus,
  error: unknown,
  { id, dir }: { id: string; dir: string },
): Promise<unknown> {
  if (!(error instanceof BuslineError) || error.code !== 'SESSION_NOT_FOUND') return error
  const near = nearest(
    id,
    (await bus.execute(ListSessions, {})).map((session) => session.id),
  )
  const hint = near.length > 0 ? `Near: ${near.join(', ')}.` : 'busline sessions list tells which there are.'
  return new BuslineError(
    'SESSION_NOT_FOUND',
    `There is no session ${visibleLine(id, 80)} in ${visibleLine(dir)}. ${hint}`,
    {
      data: { session: id, dir },
      cause: error,
    },
  )
}
