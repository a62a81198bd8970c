import type { JournalRecord } from '../bus/journal.ts'
import { identified } from '../messages/conversation.ts'
import { placesOf } from '../messages/message-places.ts'
import { identifiedEdits } from '../messages/session-news.ts'
import {
  AppendMessages,
  CommitTurn,
  DeleteSession,
  EditMessages,
  OpenSession,
  Session,
  UpdateSession,
} from '../messages/session.ts'
import { prepareChange, type SessionChange } from '../sessions/session-change.ts'

/** What could not be taken from a record: its session may lack something. */
export interface SessionProblem {
  seq: number
  type: string
  why: string
}

interface Known {
  session: Session
  /** The `seq` of the result that held it whole. */
  readonly since: number
  /** Changes whose forerunners have not come yet, by the version that they begin at. */
  readonly waiting: { from: number; command: JournalRecord; time: number }[]
}

/** The commands whose effect on a session is worked out from their input. */
const CHANGING = new Set([AppendMessages, CommitTurn, UpdateSession, EditMessages].map(({ type }) => type))
const FOLLOWED = new Set([...CHANGING, OpenSession.type, DeleteSession.type])

/**
 * Keeps up with sessions by records alone, by the same steps as a store: what the result of `session.open` held, then each
 * change that succeeded. Holds the sessions and the session commands without a result, nothing else. A record of a strange
 * shape changes nothing and is told.
 */
export class SessionRecords {
  readonly #known = new Map<string, Known>()
  readonly #open = new Map<string, JournalRecord>()
  /** Which of these another process found under way, when it went on. */
  readonly #left = new Set<string>()
  readonly #onProblem: (problem: SessionProblem) => void

  constructor(onProblem: (problem: SessionProblem) => void = () => undefined) {
    this.#onProblem = onProblem
  }

  /** Whether records of this type say anything of sessions. */
  static follows(type: string): boolean {
    return FOLLOWED.has(type)
  }

  /** Another process goes on with the run: whether what is under way was done, the sessions that it opens will tell. */
  leave(): void {
    for (const id of this.#open.keys()) this.#left.add(id)
  }

  take(record: JournalRecord): void {
    if (!FOLLOWED.has(record.type)) return
    if (record.kind === 'command' && typeof record.id === 'string') this.#open.set(record.id, record)
    if (record.kind !== 'result' || typeof record.of !== 'string') return
    const command = this.#open.get(record.of)
    this.#open.delete(record.of)
    if (command && record.status === 'ok' && command.type === record.type) this.#end(command, record)
  }

  /** The sessions as they are now; changes that waited for one that never came are applied all the same, and told. */
  sessions(): Map<string, Session> {
    for (const known of this.#known.values()) {
      known.waiting.sort((a, b) => a.from - b.from)
      for (const { from, command, time } of known.waiting.splice(0)) {
        this.#tell(
          command,
          `version ${known.session.version} is followed by ${from}: what lies between is missing`,
        )
        known.session.version = Math.max(from, known.session.version)
        this.#change(known, command, time)
      }
    }
    return new Map([...this.#known].map(([id, { session }]) => [id, session]))
  }

  session(id: string | undefined): Session | undefined {
    return id === undefined ? undefined : this.#known.get(id)?.session
  }

  /** Changes that were asked for and have no result, oldest first. */
  openChanges(): JournalRecord[] {
    return [...this.#open.values()].filter(({ type }) => CHANGING.has(type))
  }

  /** Does what a store would have done with a change that has no result yet; undefined when it would have refused. */
  complete(command: JournalRecord, time: number): { version: number } | undefined {
    const known = this.#known.get(command.session ?? '')
    const id = command.id ?? ''
    if (!known || !this.#open.delete(id)) return undefined
    const asked = Asked.safeParse(command.data).data?.version
    const isCurrent = asked === undefined || asked === known.session.version
    return isCurrent && this.#change(known, command, time) ? { version: known.session.version } : undefined
  }

  #end(command: JournalRecord, result: JournalRecord): void {
    if (command.type === OpenSession.type) return this.#opened(result)
    if (command.type === DeleteSession.type) {
      const input = DeleteSession.input.safeParse(command.data)
      if (input.success) this.#known.delete(input.data.id)
      return
    }
    const known = this.#known.get(command.session ?? '')
    if (!known) return this.#tell(command, 'its session was opened by no record')
    const output = CommitTurn.output.safeParse(result.output)
    if (!output.success) return this.#tell(command, 'its result holds no version')
    const isAppend = command.type === AppendMessages.type
    const from = isAppend ? output.data.version : output.data.version - 1
    if (this.#contains(known, command, from)) return
    if (from > known.session.version) {
      known.waiting.push({ from, command, time: result.time })
      return
    }
    this.#change(known, command, result.time)
    this.#catchUp(known)
  }

  #opened({ output, seq, type }: JournalRecord): void {
    const session = Session.safeParse(output)
    if (!session.success) return this.#onProblem({ seq, type, why: 'its result is no session' })
    this.#known.set(session.data.id, { session: session.data, since: seq, waiting: [] })
    this.#forget(session.data.id)
  }

  /** A session that was opened by a later process is whole: it holds what was done of the changes before. */
  #forget(id: string): void {
    for (const left of this.#left) {
      if (this.#open.get(left)?.session !== id) continue
      this.#open.delete(left)
      this.#left.delete(left)
    }
  }

  /** Whether a session that was opened while the change was under way held it already. */
  #contains({ session, since }: Known, command: JournalRecord, from: number): boolean {
    if (command.type !== AppendMessages.type) return from < session.version
    if (since < command.seq) return false
    const input = AppendMessages.input.safeParse(command.data)
    const [first] = input.success ? identified(input.data.messages, idsIn(command)) : []
    return first?.id !== undefined && placesOf(session.messages).has(first.id)
  }

  #catchUp(known: Known): void {
    for (;;) {
      const place = known.waiting.findIndex(({ from }) => from <= known.session.version)
      const [next] = place < 0 ? [] : known.waiting.splice(place, 1)
      if (!next) return
      this.#change(known, next.command, next.time)
    }
  }

  #change(known: Known, command: JournalRecord, time: number): boolean {
    const change = changeOf(command, known.session, time)
    if (!change) {
      this.#tell(command, `its data is no input of ${command.type}`)
      return false
    }
    try {
      prepareChange(known.session, change)()
      return true
    } catch (error) {
      this.#tell(command, error instanceof Error ? error.message : String(error))
      return false
    }
  }

  #tell({ seq, type }: JournalRecord, why: string): void {
    this.#onProblem({ seq, type, why })
  }
}

const Asked = UpdateSession.input.pick({ version: true })

function idsIn({ id = '', turn }: JournalRecord): { id: string; turn: string | undefined } {
  return { id, turn }
}

/** The change that a store makes of a command. */
function changeOf(command: JournalRecord, session: Session, time: number): SessionChange | undefined {
  const { type, data, turn } = command
  const { version: from } = session
  const raised = { from, version: from + 1, time }
  if (type === AppendMessages.type) {
    const input = AppendMessages.input.safeParse(data).data
    if (!input) return undefined
    const messages = identified(input.messages, idsIn(command))
    return { at: session.messages.length, from, time, ...(turn !== undefined && { turn }), messages }
  }
  if (type === CommitTurn.type) {
    const input = CommitTurn.input.safeParse(data).data
    return input && { ...raised, turn: input.turn, status: input.status }
  }
  if (type === EditMessages.type) {
    const input = EditMessages.input.safeParse(data).data
    return input && { ...raised, edits: identifiedEdits(input.edits, idsIn(command)) }
  }
  const input = UpdateSession.input.safeParse(data).data
  if (!input) return undefined
  const { version: _version, messages, ...fields } = input
  const set = { ...fields, ...(messages && { messages: identified(messages, idsIn(command)) }) }
  return { ...raised, set }
}
