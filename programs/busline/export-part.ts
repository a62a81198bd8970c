import { BuslineError, visibleLine } from 'busline'
import { scanJournal, type ExportFilter } from 'busline/journal'
import { UsageError } from '../function-chat/usage-error.ts'
import type { OpenedRun } from './open-run.ts'
import { spooled } from './spooled.ts'

/** The options that choose a part of a run. */
export const PART_OPTIONS = { session: { type: 'string' }, turn: { type: 'string' } } as const

interface PartValues {
  readonly session?: string | undefined
  /** A number counts the turns of the run, or of the chosen session, from 1. */
  readonly turn?: string | undefined
}

/**
 * The part of a run that `--session` and `--turn` name, by ids or their beginnings, and the run, which can be read again.
 * Reads the run once where a part is named.
 *
 * @throws BuslineError `SESSION_NOT_FOUND`, `MESSAGE_NOT_IN_RUN`; UsageError for a beginning of more than one
 */
export async function partOf(
  run: OpenedRun,
  { session, turn }: PartValues,
  signal: AbortSignal,
): Promise<{ run: OpenedRun; part: ExportFilter }> {
  if (session === undefined && turn === undefined) return { run, part: {} }
  const again = await spooled(run, signal)
  const { sessions, turns } = await idsIn(again)
  const chosen = session === undefined ? undefined : one(session, [...sessions], 'session')
  if (turn === undefined) return { run: again, part: { session: chosen } }
  const ofSession = [...turns]
    .filter(([, where]) => chosen === undefined || where === chosen)
    .map(([id]) => id)
  const numbered = /^\d{1,6}$/.test(turn) ? ofSession[Number(turn) - 1] : undefined
  return { run: again, part: { session: chosen, turn: numbered ?? one(turn, ofSession, 'turn') } }
}

/** The sessions of a run, and its turns with theirs, in the order in which they come. */
async function idsIn(
  run: OpenedRun,
): Promise<{ sessions: Set<string>; turns: Map<string, string | undefined> }> {
  const sessions = new Set<string>()
  const turns = new Map<string, string | undefined>()
  for await (const lines of scanJournal(run.source)) {
    for (const { envelope } of lines) {
      if (envelope.session !== undefined) sessions.add(envelope.session)
      if (envelope.turn !== undefined && !turns.has(envelope.turn)) turns.set(envelope.turn, envelope.session)
    }
  }
  return { sessions, turns }
}

function one(wanted: string, ids: readonly string[], what: 'session' | 'turn'): string {
  if (wanted === '') throw new UsageError(`--${what} must not be empty.`)
  const found = ids.includes(wanted) ? [wanted] : ids.filter((id) => id.startsWith(wanted))
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only
  const shown = visibleLine(wanted, 80)
  if (only !== undefined) {
    const names = found.slice(0, 8).map((id) => visibleLine(id, 60))
    throw new UsageError(
      `${shown} is the beginning of ${found.length} ${what}s: ${names.join(', ')}. Say more of it.`,
    )
  }
  const code = what === 'session' ? 'SESSION_NOT_FOUND' : 'MESSAGE_NOT_IN_RUN'
  const there = what === 'turn' ? `; it has ${ids.length}` : ''
  throw new BuslineError(code, `The run has no ${what} ${shown}${there}.`, { data: { [what]: wanted } })
}
