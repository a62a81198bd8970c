import { BuslineError, visibleLine, type JournalRecord } from 'busline'
import { MESSAGE_TYPES, scanJournal } from 'busline/journal'
import { nearest } from './nearest.ts'
import type { Shown } from './show-options.ts'

/** Where a turn begins; where it last went on after a crash, if it did. */
export interface TurnStart {
  readonly turn: string
  readonly seq: number
  readonly lastSeq: number
}

/** Whether a record begins a turn, or goes on with one after a crash. */
export function isTurnStart({ kind, type, turn }: Readonly<JournalRecord>): boolean {
  return (
    kind === 'command' &&
    turn !== undefined &&
    (type === MESSAGE_TYPES.runTurn || type === MESSAGE_TYPES.continueTurn)
  )
}

/** Whether a record is of the session that is asked for, by the beginning of its id. */
export function isOfSession({ session }: Readonly<JournalRecord>, asked: string | undefined): boolean {
  return asked === undefined || session?.startsWith(asked) === true
}

/** The turns of a run in the order in which they began, one that went on being one of them: looks at those lines only. */
export async function turnStarts(
  path: string,
  options: {
    session?: string | undefined
    onTornTail?: (tail: { line: number; bytes: number }) => void
  } = {},
): Promise<TurnStart[]> {
  const { session, ...told } = options
  const starts: TurnStart[] = []
  /** The places in `starts` of turns by their ids. */
  const places = new Map<string, number>()
  const containing = '"kind":"command","type":"chat.'
  // With spaces by another program, which may order the fields otherwise as well.
  for await (const lines of scanJournal(path, { containing, besides: ['"type": "chat.'], ...told })) {
    for (const { envelope } of lines) {
      if (!isTurnStart(envelope) || !isOfSession(envelope, session)) continue
      const { turn = '', seq, type } = envelope
      const place = type === MESSAGE_TYPES.continueTurn ? places.get(turn) : undefined
      const start = place === undefined ? undefined : starts[place]
      if (place !== undefined && start) starts[place] = { ...start, lastSeq: seq }
      else places.set(turn, starts.push({ turn, seq, lastSeq: seq }) - 1)
    }
  }
  return starts
}

/** The `most` turns that began or went on last. */
export function latestOf(starts: readonly TurnStart[], most: number): TurnStart[] {
  return most === Infinity ? [...starts] : starts.toSorted((a, b) => a.lastSeq - b.lastSeq).slice(-most)
}

/**
 * The one turn that is meant by a number or the beginning of an id.
 *
 * @throws BuslineError `MESSAGE_NOT_IN_RUN` when there is none, or more than one
 */
export async function turnMeant(
  { path, name }: { path: string; name: string },
  { turn = '', session }: Shown,
): Promise<string> {
  const starts = await turnStarts(path, { session })
  const run = visibleLine(name, 80)
  if (typeof turn === 'number') {
    const found = starts.at(turn > 0 ? turn - 1 : turn)
    if (found) return found.turn
    throw notInRun(name, `There is no turn ${turn}: ${run} has ${starts.length}.`)
  }
  const ids = [...new Set(starts.map((start) => start.turn))]
  if (ids.includes(turn)) return turn
  const found = ids.filter((id) => id.startsWith(turn))
  const [only] = found
  if (only !== undefined && found.length === 1) return only

  const names = (found.length > 0 ? found : nearest(turn, ids)).slice(0, 8).map((id) => visibleLine(id, 60))
  const shown = visibleLine(turn, 80)
  if (found.length > 0) {
    const many = `${shown} is the beginning of ${found.length} turns`
    throw notInRun(name, `${many}: ${names.join(', ')}. Say more of it.`)
  }
  const hint = names.length > 0 ? `Near: ${names.join(', ')}.` : 'Without --turn all are shown.'
  throw notInRun(name, `There is no turn ${shown} in ${run}. ${hint}`)
}

function notInRun(run: string, message: string): BuslineError {
  return new BuslineError('MESSAGE_NOT_IN_RUN', message, { data: { run } })
}
