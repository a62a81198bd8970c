import type { JournalRecord } from '../bus/journal.ts'

/**
 * One event of the Trace Event Format
 * (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): `ts` in microseconds. Of the phases,
 * `B`/`E` are a slice of a track, `b`/`n`/`e` of an asynchronous one, `X` a slice that is known whole, `i` an instant, `M` a name.
 */
export interface TraceEvent {
  readonly ph: 'B' | 'E' | 'X' | 'b' | 'e' | 'n' | 'i' | 'M'
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly cat?: string
  readonly id?: string
  /** Scope of an instant: its thread. */
  readonly s?: 't'
  /** Both ends of a flow have the same; the arrow goes from the one with `flow_out` to that with `flow_in`. */
  readonly bind_id?: string
  readonly flow_out?: true
  readonly flow_in?: true
  readonly args?: Readonly<Record<string, unknown>>
}

/** What a viewer shows of a command beside its bar: where to find it, not what it says. */
export function argsOf({ seq, id, cause, turn, data }: JournalRecord): Record<string, unknown> {
  const fields = typeof data === 'object' && data !== null ? data : {}
  return {
    line: seq + 1,
    id,
    cause,
    turn,
    ...('model' in fields && typeof fields.model === 'string' && { model: fields.model }),
    ...('call' in fields && typeof fields.call === 'string' && { call: fields.call }),
  }
}

/** What it came to; the message of an error may say what was said. */
export function endArgsOf({ status, ms, by, error, output }: JournalRecord): Record<string, unknown> {
  const usage = typeof output === 'object' && output !== null && 'usage' in output ? output.usage : undefined
  return {
    status,
    ms,
    by,
    ...(error && { error: error.code }),
    ...(typeof usage === 'object' && usage !== null && { usage }),
  }
}

/** A tool call is called by its tool. */
export function sliceName({ type, data }: JournalRecord): string {
  const isNamed = typeof data === 'object' && data !== null && 'name' in data && typeof data.name === 'string'
  return type === 'tool.call' && isNamed ? `${type} ${String(data.name)}` : type
}
