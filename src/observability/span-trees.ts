import type * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { SpanEnded, SpanStarted } from '../messages/observability.ts'
import type { Span, SpanPoint, SpanStatus } from './span.ts'

/** A span that is being put together. */
interface OpenSpan extends Span {
  parent: string | undefined
  ms: number | undefined
  status: SpanStatus
  by: string | undefined
  error: JournalRecord['error']
  attributes: Readonly<Record<string, unknown>>
  points: SpanPoint[]
  children: OpenSpan[]
}

/** A message in its chain of causes; a span, unless it is an event. */
interface Link {
  readonly seq: number
  readonly cause: string | undefined
  readonly span: OpenSpan | undefined
  /** Of an event, once it was looked for: the nearest command above it, null for none. */
  above?: Link | null
}

/** Puts spans together from records in their order. Records of another shape than expected are points, or nothing. */
export class SpanTrees {
  /** By the ids of messages. */
  #links = new Map<string, Link>()
  /** Custom spans by their ids; the latest, should one come twice. */
  #custom = new Map<string, Link>()
  #spans: { link: Link; span: OpenSpan; within: Link | undefined }[] = []
  #points: { cause: string | undefined; point: SpanPoint }[] = []

  take(record: JournalRecord): void {
    if (record.kind === 'command') this.#begin(record)
    else if (record.kind === 'result') this.#end(record)
    else if (record.kind === 'event') this.#event(record)
    else if (record.kind === 'note') this.#point(record, 'note')
  }

  /**
   * The spans without a parent. Linked only now, because the line of a stream's batch may come after what it caused. A
   * parent began before its child, so what a damaged file says can't make a circle.
   */
  roots(): OpenSpan[] {
    const roots: OpenSpan[] = []
    for (const { link, span, within } of this.#spans) {
      const above = within ?? this.#enclosing(link.cause)
      const parent = above && above.seq < link.seq ? above.span : undefined
      span.parent = parent?.id
      if (parent) parent.children.push(span)
      else roots.push(span)
    }
    for (const { cause, point } of this.#points) this.#enclosing(cause)?.span?.points.push(point)
    for (const { span } of this.#spans) span.points.sort((a, b) => a.time - b.time)
    return roots
  }

  #begin(record: JournalRecord): void {
    const { id, type } = record
    if (id !== undefined) this.#links.set(id, this.#open(record, { kind: 'command', id, name: type }))
  }

  #end({ of = '', ms, status, by, error }: JournalRecord): void {
    const span = this.#links.get(of)?.span
    if (span) Object.assign(span, { ms, by, error, status: statusOf(status) })
  }

  #event(record: JournalRecord): void {
    const { id, seq, cause, type, data } = record
    if (id !== undefined) this.#links.set(id, { seq, cause, span: undefined })
    const started = type === SpanStarted.type ? SpanStarted.data.safeParse(data) : undefined
    const ended = type === SpanEnded.type ? SpanEnded.data.safeParse(data) : undefined
    if (started?.success) this.#customBegan(record, started.data)
    else if (ended?.success) this.#customEnded(record, ended.data)
    else this.#point(record, 'event')
  }

  #customBegan(record: JournalRecord, { span: id, name, parent, attributes }: Began): void {
    const within = parent === undefined ? undefined : this.#custom.get(parent)
    this.#custom.set(id, this.#open(record, { kind: 'custom', id, name, attributes }, within))
  }

  /** Without a beginning, because only the end was published, it began `ms` before. */
  #customEnded(record: JournalRecord, { span: id, name, attributes, ...end }: Ended): void {
    const began = this.#custom.get(id)?.span
    const span =
      began?.status === 'interrupted'
        ? began
        : this.#open({ ...record, time: record.time - end.ms }, { kind: 'custom', id, name }).span
    if (span) Object.assign(span, end, { attributes: { ...span.attributes, ...attributes } })
  }

  #open(
    { seq, cause, root, session, turn, time }: JournalRecord,
    about: Pick<Span, 'kind' | 'id' | 'name'> & { attributes?: Span['attributes'] | undefined },
    within?: Link,
  ): Link {
    const span: OpenSpan = {
      ...about,
      parent: undefined,
      root,
      session,
      turn,
      start: time,
      ms: undefined,
      status: 'interrupted',
      by: undefined,
      error: undefined,
      attributes: about.attributes ?? {},
      points: [],
      children: [],
    }
    const link = { seq, cause, span }
    this.#spans.push({ link, span, within })
    return link
  }

  #point({ type, time, id, cause }: JournalRecord, kind: SpanPoint['kind']): void {
    this.#points.push({ cause, point: { kind, type, time, id } })
  }

  /** The nearest command at or above a message. */
  #enclosing(message: string | undefined): Link | undefined {
    const direct = message === undefined ? undefined : this.#links.get(message)
    if (!direct || direct.span) return direct
    const passed = new Set<Link>()
    let found: Link | undefined
    for (let at = message; at !== undefined;) {
      const link = this.#links.get(at)
      if (!link || passed.has(link)) break
      found = link.span ? link : (link.above ?? undefined)
      if (found || link.above === null) break
      passed.add(link)
      at = link.cause
    }
    // Remembered, because events that cause events make long chains.
    for (const link of passed) link.above = found ?? null
    return found
  }
}

type Began = z.output<typeof SpanStarted.data>
type Ended = z.output<typeof SpanEnded.data>

function statusOf(status: string | undefined): SpanStatus {
  return status === 'ok' || status === 'cancelled' || status === 'timeout' ? status : 'error'
}
