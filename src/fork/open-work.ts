import type { JournalRecord } from '../bus/journal.ts'
import { ContinueTurn, RunTurn, TurnCancelled, TurnFailed, TurnFinished } from '../messages/chat.ts'
import { ModelAnswer, CallModel, ModelTextReceived } from '../messages/model.ts'
import { AppendMessages } from '../messages/session.ts'
import { CallTool } from '../messages/tool.ts'
import * as z from 'zod'

/** A command that has no result yet. `record` holds its data where that is needed to go on. */
export interface OpenCommand {
  readonly record: JournalRecord
  /** The highest ordinal among its children. */
  children: number
  /** Another process went on since: it will never end. */
  isLeft: boolean
}

/** How a tool call ended. */
export type ToolEnd = { output: unknown } | { error: { code: string; message: string } }

/** What a turn has come to beyond what its session holds. */
export interface TurnProgress {
  readonly turn: string
  readonly session: string | undefined
  /** The command that leads it now: `chat.runTurn`, or `chat.continueTurn` after a crash. */
  lead: string
  /** Ends of its tool calls, by the model's id of the call. */
  readonly tools: Map<string, ToolEnd>
  /** The model call that runs, or ran last. */
  asking: string | undefined
  /** Its answer, while no append has held it. */
  answer: ModelAnswer | undefined
  /** Text that was heard of a call which has not ended. */
  heard: string
  /** One of the three events that end a turn was recorded. */
  told: boolean
}

const LEADS = new Set([RunTurn, ContinueTurn].map(({ type }) => type))
const ENDS = new Set([TurnFinished, TurnFailed, TurnCancelled].map(({ type }) => type))
const HEAVY = new Set(
  [RunTurn, CallModel, CallTool, AppendMessages, ModelTextReceived].map(({ type }) => type),
)

const Called = z.object({ call: z.string() })
const Failed = z.object({ code: z.string(), message: z.string() })
const Heard = z.union([
  z.object({ deltas: z.array(z.tuple([z.number(), z.string()])) }),
  z.object({ text: z.string() }),
])
const Appended = z.object({ messages: z.array(z.looseObject({ role: z.string() })) })

/** Keeps up with what is under way in a run: commands without a result, and what open turns have come to. */
export class OpenWork {
  readonly #commands = new Map<string, OpenCommand>()
  readonly #turns = new Map<string, TurnProgress>()

  /** Whether the heavy field of records of this type is needed. */
  static reads(type: string): boolean {
    return HEAVY.has(type)
  }

  /** The open commands, oldest first. */
  get commands(): OpenCommand[] {
    return [...this.#commands.values()]
  }

  get turns(): TurnProgress[] {
    return [...this.#turns.values()]
  }

  turn(id: string | undefined): TurnProgress | undefined {
    return id === undefined ? undefined : this.#turns.get(id)
  }

  command(id: string): OpenCommand | undefined {
    return this.#commands.get(id)
  }

  /** Another process goes on with the run. */
  leave(): void {
    for (const command of this.#commands.values()) command.isLeft = true
  }

  take(record: JournalRecord): void {
    const { kind, id, of } = record
    if (kind === 'command' && typeof id === 'string') this.#begun(id, record)
    else if (kind === 'result' && typeof of === 'string') this.#ended(of, record)
    else if (kind === 'event') this.#heard(record)
    if (kind !== 'result') this.#countChild(record)
  }

  #countChild({ cause, id }: JournalRecord): void {
    const parent = this.#commands.get(cause ?? '')
    const ordinal = Number(id?.slice((cause?.length ?? 0) + 1))
    if (parent && ordinal > parent.children) parent.children = ordinal
  }

  #begun(id: string, record: JournalRecord): void {
    const { type, session, turn, cause } = record
    this.#commands.set(id, { record, children: 0, isLeft: false })
    if (turn === undefined) return
    if (LEADS.has(type)) this.#leads(id, turn, session)
    const progress = this.#led(turn, cause)
    if (!progress) return
    if (type === CallModel.type) Object.assign(progress, { asking: id, answer: undefined, heard: '' })
    const appended = type === AppendMessages.type ? Appended.safeParse(record.data) : undefined
    if (appended?.data?.messages.some(({ role }) => role === 'assistant'))
      Object.assign(progress, { answer: undefined, heard: '' })
  }

  #leads(id: string, turn: string, session: string | undefined): void {
    const known = this.#turns.get(turn)
    if (known) known.lead = id
    else
      this.#turns.set(turn, {
        turn,
        session,
        lead: id,
        tools: new Map(),
        asking: undefined,
        answer: undefined,
        heard: '',
        told: false,
      })
  }

  /** The turn whose own command caused this one; what tools and others cause below is none of its steps. */
  #led(turn: string | undefined, cause: string | undefined): TurnProgress | undefined {
    const progress = this.turn(turn)
    return progress !== undefined && progress.lead === cause ? progress : undefined
  }

  #ended(of: string, record: JournalRecord): void {
    const command = this.#commands.get(of)?.record
    this.#commands.delete(of)
    const { type, turn, status, output } = record
    if (turn === undefined) return
    if (LEADS.has(type)) {
      if (this.turn(turn)?.lead === of) this.#turns.delete(turn)
      return
    }
    const progress = this.#led(turn, record.cause)
    if (!progress) return
    if (type === CallModel.type && of === progress.asking && status === 'ok') {
      progress.answer = ModelAnswer.safeParse(output).data
      progress.heard = ''
    }
    const call = type === CallTool.type ? Called.safeParse(command?.data) : undefined
    if (!call?.success) return
    if (status === 'ok') progress.tools.set(call.data.call, { output: output ?? null })
    const error = status === 'error' ? Failed.safeParse(record.error) : undefined
    if (error?.success) progress.tools.set(call.data.call, { error: error.data })
  }

  #heard({ type, turn, cause, data }: JournalRecord): void {
    const progress = this.turn(turn)
    if (!progress) return
    if (ENDS.has(type)) progress.told = true
    if (type !== ModelTextReceived.type || cause !== progress.asking) return
    const heard = Heard.safeParse(data).data
    if (!heard) return
    progress.heard += 'deltas' in heard ? heard.deltas.map(([, text]) => text).join('') : heard.text
  }
}
