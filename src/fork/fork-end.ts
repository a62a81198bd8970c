import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { RunTurn, TurnCancelled } from '../messages/chat.ts'
import { failureOf } from '../messages/failure.ts'
import { CallModel } from '../messages/model.ts'
import { AppendMessages, CommitTurn, EditMessages, UpdateSession, type Session } from '../messages/session.ts'
import { CallTool } from '../messages/tool.ts'
import { carriedEdits } from './carried-edits.ts'
import { fieldOf, type ForkChanges } from './fork-changes.ts'
import type { About, ForkLines } from './fork-lines.ts'
import { missingMessages } from './settle-session.ts'
import type { Survey } from './survey.ts'

/** A command, by its id. */
export interface CommandName {
  id: string
  type: string
}

/** What a user said that no session of the fork holds: the input of a `chat.runTurn` that had not begun at the line, and still might. */
export interface WaitingInput {
  session: string | undefined
  turn: string
  input: unknown
}

/** What stands behind the parent's lines. */
export class ForkEnd {
  readonly #survey: Survey
  readonly #lines: ForkLines
  readonly #time: number
  readonly waiting: WaitingInput[]

  constructor(surveyed: Survey, lines: ForkLines, time: number) {
    this.#survey = surveyed
    this.#lines = lines
    this.#time = time
    this.waiting = []
  }

  /** Session changes that were under way are done; one that its store would have refused stays open. */
  completeChanges(): void {
    const { sessions, work } = this.#survey
    for (const command of sessions.openChanges()) {
      const output = sessions.complete(command, this.#time)
      if (output) work.take(this.#lines.result(command, { output }))
    }
    for (const { record, isLeft } of work.commands) {
      const { type, session, turn, data } = record
      if (type !== RunTurn.type || turn === undefined || isLeft) continue
      const hasBegun = sessions.session(session)?.messages.some((message) => message.turn === turn)
      if (!hasBegun) this.waiting.push({ session, turn, input: data })
    }
  }

  change({ session: fields, context, record: changed }: ForkChanges): void {
    const { sessions, record } = this.#survey
    const model =
      record.type === CallModel.type && record.kind === 'command' ? fieldOf(record.data, 'model') : undefined
    const isAsked = changed.some(({ path }) => path.join('.') === 'data.model')
    const set = {
      ...(isAsked && typeof model === 'string' && { model }),
      ...fields,
      ...(Object.keys(context).length > 0 && { patchContext: context }),
    }
    const call =
      record.type === CallTool.type && record.kind === 'command' && changed.length > 0 ? record : undefined
    for (const session of sessions.sessions().values()) {
      if (Object.keys(set).length > 0) {
        const { version } = session
        this.#sessionCommand(session, UpdateSession.type, { ...set, version }, version + 1)
      }
      const edits = carriedEdits(session, {
        model: set.model,
        call: call?.session === session.id ? call : undefined,
      })
      if (edits.length > 0) {
        const { version } = session
        this.#sessionCommand(session, EditMessages.type, { edits, version }, version + 1)
      }
    }
  }

  settleSessions(close: boolean): void {
    const { sessions, work } = this.#survey
    for (const session of sessions.sessions().values()) {
      const { openTurn: turn } = session
      const progress = work.turn(turn)
      const messages = missingMessages(session, progress, close)
      const about = this.#inTurn(session)
      if (messages.length > 0)
        this.#sessionCommand(
          session,
          AppendMessages.type,
          { messages, version: session.version },
          session.version,
          about,
        )
      if (!close || turn === undefined) continue

      const of = session.messages.filter((message) => message.turn === turn)
      const data = { turn, status: 'interrupted', version: session.version }
      this.#sessionCommand(session, CommitTurn.type, data, session.version + 1, about)
      if (progress?.told) continue
      const ended = { turn, error: failureOf(forked()), messages: of, usage: null }
      this.#lines.message('event', { ...about(), type: TurnCancelled.type }, ended)
    }
  }

  /** Children before parents: a child began after what caused it. */
  closeCommands(): CommandName[] {
    const { work } = this.#survey
    return work.commands.toReversed().map(({ record }) => {
      work.take(this.#lines.result(record, { error: failureOf(forked()) }))
      return nameOf(record)
    })
  }

  open(): CommandName[] {
    return this.#survey.work.commands.map(({ record }) => nameOf(record))
  }

  /** Writes a session command that succeeds, and follows it. */
  #sessionCommand(
    session: Session,
    type: string,
    data: unknown,
    version: number,
    about = (): About & { id: string } => this.#atRoot(session),
  ): void {
    const { sessions } = this.#survey
    const command = this.#lines.message('command', { ...about(), type }, data)
    sessions.take(command)
    sessions.take(this.#lines.result(command, { output: { version } }))
  }

  #atRoot({ id: session }: Session): About & { id: string } {
    const id = this.#lines.rootId()
    return { type: '', id, session, root: id }
  }

  /** As the next child of the turn's command; without one, by itself. */
  #inTurn(session: Session): () => About & { id: string } {
    const { openTurn: turn } = session
    const { work } = this.#survey
    return () => {
      const lead = work.command(work.turn(turn)?.lead ?? '')
      if (!lead) return { ...this.#atRoot(session), ...(turn !== undefined && { turn }) }
      const { id: cause = '', root } = lead.record
      return { type: '', id: `${cause}.${++lead.children}`, session: session.id, turn, cause, root }
    }
  }
}

function nameOf({ id = '', type }: JournalRecord): CommandName {
  return { id, type }
}

function forked(): BuslineError {
  return new BuslineError('CANCELLED', 'The run was forked while this was under way.')
}
