// Longer than 200 lines: what each kind of record does to the spans stands in one place, because they share what is open.
import { toUSVString } from 'node:util'
import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES, TIME_READ } from '../messages/message-types.ts'
import { BoundedMap } from './bounded-map.ts'
import { contentOfInput, contentOfResult } from './content-facts.ts'
import {
  hrTimeOf,
  INSTRUMENTATION,
  SPAN_KIND,
  SPAN_STATUS,
  type Attributes,
  type FinishedSpan,
  type SpanEvent,
  type SpanResource,
} from './finished-span.ts'
import { factsOfInput, factsOfResult, operationOf } from './gen-ai-facts.ts'
import { fieldOf, listIn, numberIn, plainFields, textIn } from './read-field.ts'
import { cut } from './message-content.ts'
import { attributesOf, type Facts, type Operation, type SemconvVersion } from './semconv.ts'
import { RecentMap } from './recent-map.ts'
import { spanIdOf, traceIdOf } from './span-ids.ts'
import { ToldMessages } from './told-messages.ts'
import { wellFormed } from './well-formed.ts'

/** How records become spans; the same for a live bus and for a file. */
export interface SpanSettings {
  readonly semconv: SemconvVersion
  readonly content: boolean
  readonly agent: string | undefined
  readonly resource: SpanResource
}

/** Commands that have no end yet; more than these, and the oldest is taken for interrupted. */
const OPEN = 100_000
/** Messages whose place in the trace is remembered at least, for what they cause. */
const KNOWN = 20_000
/** As many events as the SDK gives a span by default. */
const EVENTS_A_SPAN = 128
/** What this room says of itself is no part of a run's trace. */
const OWN_TYPES = 'otel.'
/** Another process went on with the file: what is open then is so for ever. */
const OPENED = 'bus.opened'
const BEGINNINGS: ReadonlySet<string> = new Set(['busline.journal', 'bus.recovered'])

interface OpenSpan {
  readonly id: string
  readonly trace: string
  readonly parent: string | undefined
  readonly type: string
  readonly start: number
  readonly operation: Operation | undefined
  facts: Facts
  attributes: Attributes
  events: SpanEvent[]
  dropped: number
}

/**
 * Makes spans of records, in their order, in bounded memory. A command is a span from its line to its result; an event is an
 * event of the span in which it was published, or, where that has ended or there is none, a span without length. So what an
 * event's subscribers do hangs below whoever published it. Nothing that a record may hold makes it throw.
 */
export class RecordSpans {
  #settings: SpanSettings
  #open = new BoundedMap<string, OpenSpan>(OPEN)
  #custom = new BoundedMap<string, OpenSpan>(OPEN)
  /** The span that a message belongs to, by the message's id. */
  #placeOf = new RecentMap<string, string>(KNOWN)
  #told: ToldMessages | undefined
  #lastTime = 0

  constructor(settings: SpanSettings) {
    this.#settings = settings
    if (settings.content) this.#told = new ToldMessages()
  }

  /** The spans that end with this record. */
  take(record: JournalRecord): FinishedSpan[] {
    const { kind, type, time } = record
    if (typeof type !== 'string' || type.startsWith(OWN_TYPES)) return []
    if (kind === 'note' && type === OPENED) return this.unfinished()
    // What a later process writes first is no time of what an earlier one left open.
    if (Number.isFinite(time) && !BEGINNINGS.has(type)) this.#lastTime = time
    this.#told?.take(record)
    if (kind === 'command') return this.#begin(record)
    if (kind === 'result') return this.#end(record)
    if (kind === 'event') return this.#event(record)
    if (kind === 'note' && type !== TIME_READ) this.#note(record)
    return []
  }

  /** What has begun and not ended, as interrupted; nothing is open afterwards. */
  unfinished(): FinishedSpan[] {
    return [...this.#open.drain(), ...this.#custom.drain()].map((span) => this.#interrupted(span))
  }

  #begin(record: JournalRecord): FinishedSpan[] {
    const { id } = record
    if (typeof id !== 'string') return []
    const pushedOut = this.#open.set(id, this.#opened(record, id))
    this.#placeOf.set(id, id)
    return pushedOut ? [this.#interrupted(pushedOut)] : []
  }

  #opened(record: JournalRecord, id: string): OpenSpan {
    const operation = operationOf(record.type)
    return {
      id,
      trace: textIn(record, 'root') ?? id,
      parent: this.#placeIn(record),
      type: record.type,
      start: record.time,
      operation,
      facts: operation
        ? {
            ...factsOfInput(operation, record),
            agent: this.#settings.agent,
            ...(this.#told && contentOfInput(operation, record, this.#told)),
          }
        : {},
      attributes: ownAttributes(record, id),
      events: [],
      dropped: 0,
    }
  }

  #end(record: JournalRecord): FinishedSpan[] {
    const { of, error, by } = record
    if (typeof of !== 'string') return []
    const ms = Math.max(0, numberIn(record, 'ms') ?? 0)
    // Without its beginning, because it was attached or the segment begins in between, the result alone tells enough.
    const span =
      this.#open.get(of) ?? this.#opened({ ...record, data: undefined, time: record.time - ms }, of)
    this.#open.delete(of)
    this.#placeOf.set(of, of)
    if (span.operation) {
      const { content, semconv } = this.#settings
      const told = factsOfResult(span.operation, record)
      const said = content ? contentOfResult(span.operation, record, semconv) : {}
      span.facts = { ...span.facts, ...told, ...said }
      if (span.operation === 'chat') this.#answered(record, told.provider)
    }
    const status = textIn(record, 'status') ?? 'unknown'
    if (typeof by === 'string') span.attributes['busline.by'] = by
    const cost = numberIn(record.output, 'cost')
    if (cost !== undefined && span.operation === 'chat') span.attributes['busline.cost_usd'] = cost
    return [this.#finished(span, span.start + ms, { status, error })]
  }

  /** A turn's own result does not say who answered. */
  #answered({ turn }: JournalRecord, provider: Facts['provider']): void {
    const open = typeof turn === 'string' ? this.#open.get(turn) : undefined
    if (open) open.facts = { ...open.facts, agentProvider: provider }
  }

  #event(record: JournalRecord): FinishedSpan[] {
    const { id, type, data } = record
    const place = this.#placeIn(record)
    const within = place === undefined ? undefined : this.#open.get(place)
    const isStream = Array.isArray(fieldOf(data, 'deltas'))
    if (within?.type === MESSAGE_TYPES.callModel) hearAnswer(within, record)
    if (type === MESSAGE_TYPES.spanStarted || type === MESSAGE_TYPES.spanEnded || isStream) {
      if (typeof id === 'string' && place !== undefined) this.#placeOf.set(id, place)
      if (type === MESSAGE_TYPES.spanStarted) return this.#customBegan(record, place)
      return type === MESSAGE_TYPES.spanEnded ? this.#customEnded(record, place) : []
    }
    if (within) {
      addEvent(within, record)
      if (typeof id === 'string') this.#placeOf.set(id, within.id)
      return []
    }
    if (typeof id !== 'string') return []
    this.#placeOf.set(id, id)
    const point = this.#opened(record, id)
    return [
      this.#finished({ ...point, attributes: { ...point.attributes, ...about(data) } }, record.time, {}),
    ]
  }

  #note(record: JournalRecord): void {
    const place = this.#placeIn(record)
    const within = place === undefined ? undefined : this.#open.get(place)
    if (within) addEvent(within, record)
  }

  #customBegan(record: JournalRecord, place: string | undefined): FinishedSpan[] {
    const pushedOut = this.#customOpened(record, place, record.time)
    return pushedOut ? [this.#interrupted(pushedOut)] : []
  }

  #customOpened(record: JournalRecord, place: string | undefined, start: number): OpenSpan | undefined {
    const { data } = record
    const id = textIn(data, 'span')
    if (id === undefined) return undefined
    return this.#custom.set(id, {
      id,
      trace: textIn(record, 'root') ?? id,
      parent: textIn(data, 'parent') ?? place,
      type: textIn(data, 'name') ?? record.type,
      start,
      operation: undefined,
      facts: {},
      attributes: { ...ownAttributes(record, id), ...plainFields(fieldOf(data, 'attributes')) },
      events: [],
      dropped: 0,
    })
  }

  /** Without a beginning, because only the end was published, it began `ms` before. */
  #customEnded(record: JournalRecord, place: string | undefined): FinishedSpan[] {
    const { data } = record
    const id = textIn(data, 'span')
    if (id === undefined) return []
    const ms = Math.max(0, numberIn(data, 'ms') ?? 0)
    const pushedOut = this.#custom.has(id) ? undefined : this.#customOpened(record, place, record.time - ms)
    const span = this.#custom.get(id)
    this.#custom.delete(id)
    if (!span) return []
    Object.assign(span.attributes, plainFields(fieldOf(data, 'attributes')))
    const end = { status: textIn(data, 'status') ?? 'unknown', error: fieldOf(data, 'error') }
    const ended = this.#finished(span, span.start + ms, end)
    return pushedOut ? [this.#interrupted(pushedOut), ended] : [ended]
  }

  /** The message whose span a record stands in: its cause, or what its cause stands in. */
  #placeIn({ cause }: JournalRecord): string | undefined {
    if (typeof cause !== 'string') return undefined
    const place = this.#placeOf.get(cause)
    if (place !== undefined) return place
    if (this.#open.has(cause)) return cause
    // A stream's batch is written after what it caused: then its id, which is that of its cause with a number, tells.
    const above = cause.slice(0, Math.max(0, cause.lastIndexOf('.')))
    return this.#placeOf.get(above) ?? cause
  }

  #interrupted(span: OpenSpan): FinishedSpan {
    return this.#finished(span, this.#lastTime, { status: 'interrupted' })
  }

  #finished(
    span: OpenSpan,
    end: number,
    { status, error }: { status?: string; error?: unknown },
  ): FinishedSpan {
    const { semconv, content, agent, resource } = this.#settings
    const { operation, facts } = span
    const traceId = traceIdOf(span.trace)
    const context = { traceId, spanId: spanIdOf(span.id), traceFlags: 1 }
    const failed = status === undefined || status === 'ok' || status === 'cancelled' ? undefined : status
    const errorType = failed === undefined ? undefined : (textIn(error, 'code') ?? failed)
    const words = content ? textIn(error, 'message') : undefined
    const named = errorType === undefined ? {} : { 'error.type': errorType }
    const genAi = operation ? attributesOf(operation, facts, { semconv, content }) : {}
    const ended = Math.max(span.start, end)
    return {
      name: toUSVString(nameOf(span, agent)),
      kind: operation === 'chat' ? SPAN_KIND.client : SPAN_KIND.internal,
      spanContext: () => context,
      ...(span.parent !== undefined &&
        span.parent !== span.id && {
          parentSpanContext: { traceId, spanId: spanIdOf(span.parent), traceFlags: 1 },
        }),
      startTime: hrTimeOf(span.start),
      endTime: hrTimeOf(ended),
      duration: hrTimeOf(ended - span.start),
      ended: true,
      status:
        failed === undefined
          ? { code: SPAN_STATUS.unset }
          : { code: SPAN_STATUS.error, message: toUSVString(cut(words ?? errorType ?? failed)) },
      attributes: wellFormed({
        ...genAi,
        ...named,
        ...span.attributes,
        ...(status !== undefined && { 'busline.status': status }),
      }),
      links: [],
      events: span.events,
      resource,
      instrumentationScope: INSTRUMENTATION,
      droppedAttributesCount: 0,
      droppedEventsCount: span.dropped,
      droppedLinksCount: 0,
    }
  }
}

/** `chat gpt-4o`, `execute_tool get_weather`, `invoke_agent helper` as the conventions want it; a command's type otherwise. */
function nameOf({ operation, facts, type }: OpenSpan, agent: string | undefined): string {
  if (!operation) return type
  const what = {
    chat: facts.requestModel ?? facts.responseModel,
    execute_tool: facts.toolName,
    invoke_agent: agent,
  }
  return [operation, what[operation]].filter((word) => word !== undefined).join(' ')
}

/** Where a span comes from, for those who look into the journal next. */
function ownAttributes(record: JournalRecord, id: string): Attributes {
  const attributes: Attributes = { 'busline.id': id, 'busline.type': record.type }
  for (const field of ['session', 'turn', 'cause']) {
    const value = textIn(record, field)
    if (value !== undefined) attributes[`busline.${field}`] = value
  }
  return attributes
}

/** The first piece of an answer, whatever it is a piece of. */
function hearAnswer(span: OpenSpan, { type, time, data }: JournalRecord): void {
  const isPiece = type === MESSAGE_TYPES.modelTextReceived || type === MESSAGE_TYPES.modelReasoningReceived
  if (!isPiece && type !== MESSAGE_TYPES.modelToolCallStarted) return
  const [first] = listIn(data, 'deltas')
  const [wait] = Array.isArray(first) ? first : []
  const at = time + (typeof wait === 'number' ? wait : 0)
  const seconds = Math.max(0, Math.round((at - span.start) * 1000) / 1_000_000)
  const { timeToFirstChunk: before } = span.facts
  // A batch of text is written after a tool call that began later.
  const earliest = typeof before === 'number' ? Math.min(before, seconds) : seconds
  span.facts = { ...span.facts, streamed: true, timeToFirstChunk: earliest }
}

function addEvent(span: OpenSpan, { type, time, id, data }: JournalRecord): void {
  if (span.events.length >= EVENTS_A_SPAN) span.dropped++
  else
    span.events.push({
      name: toUSVString(type),
      time: hrTimeOf(time),
      attributes: wellFormed({ ...(typeof id === 'string' && { 'busline.id': id }), ...about(data) }),
    })
}

/** What is no content and helps to read a failure. */
function about(data: unknown): Attributes {
  const attributes: Attributes = {}
  const code = textIn(fieldOf(data, 'error'), 'code')
  const subscriber = textIn(data, 'subscriber')
  const attempt = numberIn(data, 'attempt')
  if (code !== undefined) attributes['error.type'] = code
  if (subscriber !== undefined) attributes['busline.subscriber'] = subscriber
  if (attempt !== undefined) attributes['busline.attempt'] = attempt
  return attributes
}
