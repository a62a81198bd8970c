import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { scanJournal } from '../journal/scan-journal.ts'
import { ContinueTurn, RunTurn, TurnResult } from '../messages/chat.ts'
import { CallModel } from '../messages/model.ts'
import { OpenSession, Session } from '../messages/session.ts'
import { CallTool } from '../messages/tool.ts'
import type { RecordedCall } from './recorded-tools.ts'

/** A turn of a run: what was said, and what it came to as far as the run has it. */
export interface PlannedTurn {
  /** The line of its `chat.runTurn`, from 1. */
  readonly line: number
  readonly turn: string
  readonly session: string
  readonly input: unknown
  end: TurnEnd | null
}

/** How a turn ended; what is not known is null. */
export interface TurnEnd {
  status: string
  reply: string | null
  toolCalls: TurnResult['toolCalls']
  usage: TurnResult['usage']
  /** US dollars. */
  cost: number | null
  model: string | null
  ms: number
  error: { code: string; message: string } | null
}

/** What a run offers to whoever runs it again. */
export interface RunPlan {
  /** The line of the first model call of a turn. */
  readonly firstModelCall: number | undefined
  /** Turns that no other turn caused, in order. */
  readonly turns: readonly PlannedTurn[]
  /** How turns ended that an earlier run began, by their ids. */
  readonly continued: ReadonlyMap<string, TurnEnd>
  /** Turns that another one caused: a tool that has a conversation of its own. */
  readonly nested: ReadonlySet<string>
  /** Tool calls that came to an end, in the order in which they were made. */
  readonly calls: readonly RecordedCall[]
  /** Sessions as they were opened first, by id, and the lines at which. */
  readonly opened: ReadonlyMap<string, { line: number; session: Session }>
}

const Called = z.object({ call: z.string(), name: z.string(), arguments: z.unknown() })
const Failed = z.object({ code: z.string(), message: z.string() })
const READ = new Set([RunTurn, ContinueTurn, CallModel, CallTool, OpenSession].map(({ type }) => type))

/** Reads from a run what can be said and answered again. Holds the inputs and the results of tools, not the run. */
export async function planOf(path: string): Promise<RunPlan> {
  const turns = new Map<string, PlannedTurn>()
  const continued = new Map<string, TurnEnd>()
  const nested = new Set<string>()
  const calls = new Map<string, Partial<RecordedCall> & z.output<typeof Called>>()
  const opened = new Map<string, { line: number; session: Session }>()
  let firstModelCall: number | undefined

  for await (const lines of scanJournal(path, { blobs: 'resolve' })) {
    for (const line of lines) {
      const { type, kind, turn } = line.envelope
      if (!READ.has(type)) continue
      if (type === CallModel.type) {
        if (kind === 'command' && turn !== undefined) firstModelCall ??= line.line
        continue
      }
      const record = line.record()
      if (kind === 'command') begun(record, line.line)
      if (kind === 'result') ended(record, line.line)
    }
  }
  return {
    firstModelCall,
    turns: [...turns.values()],
    continued,
    nested,
    calls: [...calls.values()].flatMap(({ end, line = 0, ...call }) => (end ? [{ ...call, end, line }] : [])),
    opened,
  }

  function begun({ type, id, cause = '', session, data }: JournalRecord, line: number): void {
    if (id === undefined) return
    if (type === CallTool.type) {
      const called = Called.safeParse(data)
      // One below another of the same call is an attempt at that.
      if (called.success && calls.get(cause)?.call !== called.data.call) calls.set(id, called.data)
    }
    if (type !== RunTurn.type || session === undefined) return
    if (isCausedBy(id, turns)) nested.add(id)
    else turns.set(id, { line, turn: id, session, input: data, end: null })
  }

  function ended({ type, of = '', turn = of, status, output, error, ms }: JournalRecord, line: number): void {
    const call = calls.get(of)
    const failure = Failed.safeParse(error)
    if (call && status === 'ok') Object.assign(call, { end: { output: output ?? null }, line })
    if (call && status === 'error' && failure.success)
      Object.assign(call, { end: { error: failure.data }, line })
    if (type === OpenSession.type && status === 'ok') {
      const session = Session.safeParse(output)
      if (session.success && !opened.has(session.data.id))
        opened.set(session.data.id, { line, session: session.data })
    }
    if (type !== RunTurn.type && type !== ContinueTurn.type) return
    const end = endOf(TurnResult.safeParse(output).data, failure.data, { status, ms })
    const planned = turns.get(turn)
    if (planned) planned.end = end
    else if (!nested.has(turn)) continued.set(turn, end)
  }
}

/** The end of a turn from its result, or from what it failed with. */
export function endOf(
  result: TurnResult | undefined,
  error: { code: string; message: string } | undefined,
  { status = 'error', ms = 0 }: { status?: string | undefined; ms?: number | undefined },
): TurnEnd {
  return {
    status,
    reply: result?.reply ?? null,
    toolCalls: result?.toolCalls ?? [],
    usage: result?.usage ?? null,
    cost: result?.cost ?? null,
    model: result?.model ?? null,
    ms,
    error: error ? { code: error.code, message: error.message } : null,
  }
}

/** Whether a turn stands above the message. */
function isCausedBy(id: string, turns: ReadonlyMap<string, unknown>): boolean {
  for (let dot = id.lastIndexOf('.'); dot > 0; dot = id.lastIndexOf('.', dot - 1))
    if (turns.has(id.slice(0, dot))) return true
  return false
}
