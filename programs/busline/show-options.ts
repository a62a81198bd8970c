import { UsageError } from '../function-chat/usage-error.ts'
import { RUN_OPTIONS } from './open-run.ts'

/** The options of `busline show`, as `parseArgs` takes them. */
export const SHOW_OPTIONS = {
  ...RUN_OPTIONS,
  events: { type: 'boolean' },
  raw: { type: 'boolean' },
  messages: { type: 'boolean' },
  turn: { type: 'string' },
  session: { type: 'string' },
  last: { type: 'string', short: 'n' },
  all: { type: 'boolean' },
} as const

/** What of a run is to be shown. */
export interface Shown {
  readonly json: boolean
  readonly messages: boolean
  /** A turn by the beginning of its id, or by its number, counted from 1, or from -1 at the end. */
  readonly turn: string | number | undefined
  /** The beginning of a session's id. */
  readonly session: string | undefined
  /** How many turns or lines at most, the last ones. */
  readonly last: number
}

/** Turns that are shown to people unless they ask for more. */
const LAST_TURNS = 20

interface Given {
  json?: boolean | undefined
  messages?: boolean | undefined
  events?: boolean | undefined
  raw?: boolean | undefined
  turn?: string | undefined
  session?: string | undefined
  last?: string | undefined
  all?: boolean | undefined
}

/** @throws UsageError that names the option and the remedy */
export function shownOf(values: Given): Shown {
  const { json = false, messages = false, turn, session, last, all = false } = values
  if (values.events && values.raw) throw new UsageError('--events and --raw are two views: choose one.')
  if (messages && (values.events || values.raw || json))
    throw new UsageError(
      '--messages belongs to the view of turns for people: leave out --events, --raw and --json.',
    )
  if (last !== undefined && all) throw new UsageError('--last and --all contradict each other.')
  if (last !== undefined && !/^[1-9]\d{0,8}$/.test(last))
    throw new UsageError(`--last takes a whole number from 1, not ${JSON.stringify(last)}.`)
  if (turn === '' || session === '')
    throw new UsageError(`--${turn === '' ? 'turn' : 'session'} must not be empty.`)
  if (turn === '0') throw new UsageError('--turn counts from 1; -1 is the last turn.')
  const byDefault = all || json || values.events || values.raw || turn !== undefined ? Infinity : LAST_TURNS
  return {
    json,
    messages,
    turn: turn !== undefined && /^-?\d{1,9}$/.test(turn) ? Number(turn) : turn,
    session,
    last: last === undefined ? byDefault : Number(last),
  }
}
