import type { JournalRecord } from '../bus/journal.ts'

/** `interrupted`: the journal has no end of it; the process was killed, or it still runs. */
export type SpanStatus = 'ok' | 'error' | 'cancelled' | 'timeout' | 'interrupted'

/** A command from its line to its result, or a part of one that `withSpan` told of. */
export interface Span {
  readonly kind: 'command' | 'custom'
  /** Of a command its id, of a custom span the id that it was started with. */
  readonly id: string
  /** A command's type, or a custom span's name. */
  readonly name: string
  /** Id of the span that it is a child of. */
  readonly parent: string | undefined
  /** Id of the first message of the chain. */
  readonly root: string | undefined
  readonly session: string | undefined
  readonly turn: string | undefined
  /** Epoch milliseconds. */
  readonly start: number
  readonly ms: number | undefined
  readonly status: SpanStatus
  /** The handler, if it came to one. */
  readonly by: string | undefined
  readonly error: JournalRecord['error']
  readonly attributes: Readonly<Record<string, unknown>>
  readonly points: readonly SpanPoint[]
  /** In the order in which they began. */
  readonly children: readonly Span[]
}

/** Something that happened within a span: an event, or a note of the bus. */
export interface SpanPoint {
  readonly kind: 'event' | 'note'
  readonly type: string
  /** Epoch milliseconds. */
  readonly time: number
  /** Of an event. */
  readonly id: string | undefined
}
