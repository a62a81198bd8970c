import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { callName } from './call-name.ts'
import { fieldAt, textAt } from './field-at.ts'
import type { RunLine } from './run-line.ts'

/** One message of a chain, and how it ended. Times are epoch milliseconds, `ms` is a duration. */
export interface WhyStep {
  readonly line: number
  readonly kind: string
  readonly type: string
  readonly id: string | null
  /** The tool or the model that it calls. */
  readonly name: string | null
  readonly session: string | null
  readonly turn: string | null
  readonly time: number
  /** Of a command; `interrupted` when the journal has no end of it. */
  readonly status: string | null
  readonly ms: number | null
  readonly by: string | null
  /** Where the result of a command stands. */
  readonly endLine: number | null
  readonly error: { code: string; message: string } | null
}

/** A message and what it caused itself. */
export interface WhyLink {
  readonly cause: string | undefined
  readonly step: WhyStep
  /** In the order of their lines. */
  readonly effects: readonly WhyLink[]
  /** The code of its error and those of its causes. */
  readonly codes: readonly string[]
}

interface OpenLink extends WhyLink {
  step: WhyStep
  effects: OpenLink[]
  codes: readonly string[]
}

/** How far the causes of an error are followed. */
const CAUSES = 10

/** Links messages with their causes, in whatever order they come. */
export class WhyLinks {
  /** The message that is asked about, as soon as its line has come. */
  meant: WhyLink | undefined
  /** When it is a tool call: the model call whose answer asked for it. */
  askedBy: WhyLink | undefined
  /** When it is a model call: the ids of the messages that it was sent. */
  sent: (string | null)[] | null = null
  #line: number
  #byId = new Map<string, OpenLink>()
  /** Effects whose cause has not come: the line of a stream's batch comes after what it caused. */
  #waiting = new Map<string, OpenLink[]>()
  /** The model calls whose answers asked for tool calls, by the ids of these; the latest, should a server use one twice. */
  #asked = new Map<string, OpenLink>()

  /** @param line of the message that is asked about */
  constructor(line: number) {
    this.#line = line
  }

  take(line: RunLine): void {
    if (line.envelope.kind === 'result') this.#end(line)
    else this.#begin(line)
  }

  /** The causes of a message, the direct one first. */
  above(link: WhyLink): WhyLink[] {
    const above: WhyLink[] = []
    const seen = new Set<WhyLink>([link])
    for (
      let at = this.#byId.get(link.cause ?? '');
      at && !seen.has(at);
      at = this.#byId.get(at.cause ?? '')
    ) {
      seen.add(at)
      above.push(at)
    }
    return above
  }

  #begin(line: RunLine): void {
    const { id, cause, type, kind } = line.envelope
    const calls = kind === 'command' && (type === MESSAGE_TYPES.callModel || type === MESSAGE_TYPES.callTool)
    const record = calls ? line.record() : line.envelope
    const link: OpenLink = { cause, step: stepOf(line, record), effects: [], codes: [] }
    if (id !== undefined) {
      this.#byId.set(id, link)
      for (const effect of this.#waiting.get(id) ?? []) link.effects.push(effect)
      this.#waiting.delete(id)
    }
    if (cause !== undefined) this.#attach(link, cause)
    if (line.line !== this.#line) return
    this.meant = link
    if (type === MESSAGE_TYPES.callTool) this.askedBy = this.#asked.get(textAt(record.data, 'call') ?? '')
    if (type === MESSAGE_TYPES.callModel) this.sent = idsIn(fieldAt(record.data, 'messages'))
  }

  #attach(link: OpenLink, cause: string): void {
    const above = this.#byId.get(cause)
    if (above) {
      above.effects.push(link)
      return
    }
    const waiting = this.#waiting.get(cause)
    if (waiting) waiting.push(link)
    else this.#waiting.set(cause, [link])
  }

  #end(line: RunLine): void {
    const { of = '', status = 'error', ms = null, by = null, type } = line.envelope
    const link = this.#byId.get(of)
    if (!link || link.step.endLine !== null) return
    const record = status !== 'ok' || type === MESSAGE_TYPES.callModel ? line.record() : line.envelope
    const { error } = record
    const failure = error && {
      code: textAt(error, 'code') ?? 'unknown',
      message: textAt(error, 'message') ?? '',
    }
    link.step = { ...link.step, status, ms, by, endLine: line.line, error: failure ?? null }
    link.codes = codesOf(error)
    if (type === MESSAGE_TYPES.callModel) for (const call of callsIn(record)) this.#asked.set(call, link)
  }
}

function stepOf({ line, envelope }: RunLine, record: Readonly<JournalRecord>): WhyStep {
  const { kind, type, id, session, turn, time, by } = envelope
  return {
    line,
    kind,
    type,
    id: id ?? null,
    name: callName(record) ?? null,
    session: session ?? null,
    turn: turn ?? null,
    time,
    status: kind === 'command' ? 'interrupted' : null,
    ms: null,
    by: by ?? null,
    endLine: null,
    error: null,
  }
}

function codesOf(error: unknown): string[] {
  const codes: string[] = []
  for (let at = error; codes.length < CAUSES; at = fieldAt(at, 'cause')) {
    const code = textAt(at, 'code')
    if (code === undefined) break
    codes.push(code)
  }
  return codes
}

/** The ids of the tool calls in an answer. */
function callsIn({ output }: Readonly<JournalRecord>): string[] {
  const calls = fieldAt(output, 'message', 'tool_calls')
  return Array.isArray(calls) ? calls.flatMap((call) => textAt(call, 'id') ?? []) : []
}

function idsIn(messages: unknown): (string | null)[] | null {
  return Array.isArray(messages) ? messages.map((id) => (typeof id === 'string' ? id : null)) : null
}
