import { randomInt } from 'node:crypto'
import { basename } from 'node:path'
import { pid, version as node } from 'node:process'
import type { JournalRecord } from '../bus/journal.ts'
import { BUSLINE_VERSION } from '../bus/version.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { JsonValue } from '../messages/lossless-json.ts'
import type { Session } from '../messages/session.ts'
import { isSessionId } from '../sessions/session-id.ts'
import { copyLines } from './copy-lines.ts'
import { fieldOf, sortChanges } from './fork-changes.ts'
import { ForkEnd, type CommandName, type WaitingInput } from './fork-end.ts'
import { ForkLines } from './fork-lines.ts'
import { forkPath, sessionsBeside } from './fork-path.ts'
import { ForkedFile } from './forked-file.ts'
import type { SessionProblem } from './session-records.ts'
import { survey } from './survey.ts'
import { writeSessions } from './write-sessions.ts'

export interface ForkOptions {
  /** The last line of the parent that the fork has: its `seq` + 1, as all commands number lines. */
  at: number
  /** The fork's journal; must not exist (default: {@link forkPath}, `forks/<name>.fork-<at>.jsonl` beside the parent). */
  to?: string | undefined
  /**
   * Where the fork's session files go (default: none are written). `true`: beside its journal, the name of that without
   * `.jsonl`, then `-sessions`.
   */
  sessions?: string | true | undefined
  /** What becomes of commands that have no result at the line: cancelled, or left as they are to go on with (default `close`). */
  openCalls?: 'close' | 'keep' | undefined
  /**
   * What is changed, by path: `model`, `systemPrompt`, `name` and `context.KEY` of every session; `data.…`, `output.…` and
   * `error.…` of the record at the line (default: nothing).
   */
  set?: Readonly<Record<string, JsonValue>> | undefined
  /** Told of each record that should have changed a session and could not, perhaps because `set` changed it. */
  onProblem?: ((problem: SessionProblem) => void) | undefined
  /** Epoch milliseconds (default `Date.now`). */
  now?: (() => number) | undefined
}

/** What a fork came to. */
export interface Fork {
  path: string
  /** The id of the new run. */
  run: string
  at: number
  /** The parent's run, the `seq` of the last line that is its own, the name of its file, and when it was forked. */
  parent: { run: string | null; seq: number; file: string; time: number }
  /** Lines of the fork's journal. */
  lines: number
  /** The sessions at the end of its lines, by id. */
  sessions: ReadonlyMap<string, Session>
  /** Where their files are; null when none were asked for. */
  sessionsDir: string | null
  /** Ids in the records that may not name a session: these have no file. */
  refused: string[]
  /** Commands that were given a result, in that order. */
  closed: CommandName[]
  /** Commands that have no result. */
  open: CommandName[]
  waiting: WaitingInput[]
}

/**
 * Forks a run behind one of its lines: a journal that stands alone, with a header of its own that names its parent
 * (`data.parent: { run, seq, file, time }`), the parent's lines up to that one as they are, and what makes its sessions whole. The
 * parent is only read. The fork reads, verifies, replays and is continued by a bus like any other journal.
 *
 * Behind the parent's lines stand, where there is something to say, in this order: results of session changes that were
 * under way (the fork's sessions are made of its lines, so they are done); `session.update` and `session.edit` for what `set`
 * changes; a `session.append` with what the lines tell and no append held yet (the model's answer, ends of tool calls), so
 * that a change of it counts. With `close` all calls have a result then, the open turn is committed as `interrupted`, and
 * open commands end as `cancelled`, children before parents. With `keep` they stay open, the session keeps its `openTurn`, and
 * `chat.resumeTurn` goes on with it.
 *
 * Holds the sessions at the line and the commands that are open there, not the run.
 *
 * @throws BuslineError `INVALID_OPTION`, `MESSAGE_NOT_IN_RUN` when there is no such line, `JOURNAL_DAMAGED`, `BLOB_MISSING`,
 * `FILE_FAILED`, `SESSION_IN_USE`; then no fork is left
 */
export async function forkRun(path: string, options: ForkOptions): Promise<Fork> {
  const { at, openCalls = 'close', set = {}, now = Date.now } = options
  const { onProblem = () => undefined } = options
  checkOptions(options)
  const changes = sortChanges(set)
  const surveyed = await survey(path, at, { changes: changes.record, onProblem })
  if (surveyed.lines === 1 && changes.record.length > 0)
    throw invalid('set', `Line ${at} is the header, which is the fork’s own.`)

  const run = newRunId()
  const time = now()
  const name = fieldOf(surveyed.header.data, 'run')
  const parentRun = typeof name === 'string' ? name : null
  const parent = { run: parentRun, seq: surveyed.record.seq, file: basename(path), time }
  // Chosen only now, and taken in the same moment: forks that are made side by side get places of their own.
  const to = options.to ?? forkPath(path, at)
  const file = new ForkedFile(to)
  const sessionsDir = options.sessions === true ? sessionsBeside(to) : options.sessions
  try {
    await copyLines({
      path,
      count: surveyed.lines,
      file,
      header: headerOf(surveyed.header, run, parent),
      record: changes.record.length > 0 ? surveyed.record : undefined,
    })
    const lines = new ForkLines({
      seq: surveyed.record.seq + 1,
      time,
      run,
      write: (record) => file.line(JSON.stringify(record)),
    })
    const end = new ForkEnd(surveyed, lines, time)
    const close = openCalls === 'close'
    end.completeChanges()
    end.change(changes)
    end.settleSessions(close)
    const closed = close ? end.closeCommands() : []
    file.close()

    const sessions = surveyed.sessions.sessions()
    const refused = [...sessions.keys()].filter((id) => !isSessionId(id))
    if (sessionsDir !== undefined)
      writeSessions(
        sessionsDir,
        [...sessions.values()].filter(({ id }) => isSessionId(id)),
      )
    return {
      path: to,
      run,
      at,
      parent,
      lines: file.lines,
      sessions,
      sessionsDir: sessionsDir ?? null,
      refused,
      closed,
      open: close ? [] : end.open(),
      waiting: end.waiting,
    }
  } catch (error) {
    file.abandon()
    throw error
  }
}

function checkOptions({ at, to, openCalls, sessions }: ForkOptions): void {
  if (!Number.isInteger(at) || at < 1) throw invalid('at', 'It must be the number of a line, from 1.')
  if (to !== undefined && (typeof to !== 'string' || to.trim() === ''))
    throw invalid('to', 'It must be the path of a new file.')
  if (openCalls !== undefined && !['close', 'keep'].includes(openCalls))
    throw invalid('openCalls', 'It must be close or keep.')
  if (typeof sessions === 'string' && sessions.trim() === '')
    throw invalid('sessions', 'It must be the path of a folder.')
}

function invalid(option: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `forkRun.${option}: ${why}`, { data: { option } })
}

/** As the ids of a bus: ten characters of `[0-9a-z]`. */
function newRunId(): string {
  return Array.from({ length: 10 }, () => randomInt(36).toString(36)).join('')
}

/**
 * The fork's header. Its time is that of the parent's, so that time goes on from line to line; of a run whose first segments
 * were deleted, the number of the segment stays too: it says why `seq` does not begin at 0.
 */
function headerOf(
  { seq, time, data: of }: JournalRecord,
  run: string,
  parent: Fork['parent'],
): JournalRecord {
  const segment = fieldOf(of, 'segment')
  const data = {
    run,
    busline: BUSLINE_VERSION,
    node,
    pid,
    ...(seq > 0 && typeof segment === 'number' && { segment }),
    parent,
  }
  return { v: 1, seq, time, kind: 'header', type: 'busline.journal', data }
}
