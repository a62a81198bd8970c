import type { TurnReport } from './turn-watch.ts'

/** One turn as a line for programs: every key always there, in this order. */
export function turnLine(session: string, report: TurnReport): string {
  const { turn, status, reply, finishReason, toolCalls, usage, model, messages, error } = report
  const wire = messages.map(({ id: _id, turn: _turn, meta: _meta, ...message }) => message)
  return jsonLine({
    session,
    turn,
    status,
    reply: reply || null,
    finishReason,
    toolCalls,
    usage,
    model,
    messages: wire,
    error,
  })
}

/** What JSON leaves as it is and a terminal or an editor acts on: C1 controls, line ends, marks that reorder text. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** JSON on one line, safe to print. */
export function jsonLine(value: unknown): string {
  return `${escapedJson(JSON.stringify(value))}\n`
}

/** A JSON text with what a terminal acts on escaped as JSON has it: the same value. */
export function escapedJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}
