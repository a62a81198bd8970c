import type { JournalRecord } from '../bus/journal.ts'
import { argsOf, endArgsOf, sliceName, type TraceEvent } from './trace-events.ts'

/** A command that runs, as a slice of a track. */
interface Slice {
  readonly id: string
  readonly name: string
  readonly track: Track
  readonly began: number
  /** The asynchronous track that it is on; undefined while it is on that of its session. */
  family: Family | undefined
}

/** Slices of one asynchronous track, the innermost last. */
interface Family {
  readonly id: string
  readonly stack: Slice[]
  last: number
}

interface Track {
  readonly tid: number
  readonly stack: Slice[]
  /** No event of a track may stand before its last: slices are matched in order of time. */
  last: number
}

const PID = 1
const OVERLAP = 'overlap'

/** How many events are remembered as causes of commands. */
const REMEMBERED = 4096

/**
 * Puts commands on tracks so that slices nest, whatever overlapped: a session has one track; a command that begins
 * while a sibling is open there is an asynchronous slice, and so is the rest of one that outlives its parent. An arrow (flow) leads
 * from the cause to what nesting does not show.
 */
export class SliceTracks {
  #tracks = new Map<string | undefined, Track>()
  #open = new Map<string, Slice>()
  /** Where events stand, the latest: they cause commands after they are over. */
  #events = new Map<string, { tid: number; ts: number; parent: string | undefined }>()
  #families = 0
  #flows = 0;

  /** The metadata of a session's track, the first time that it is needed. */
  *#trackOf(session: string | undefined): Generator<TraceEvent, Track> {
    const known = this.#tracks.get(session)
    if (known) return known
    const track: Track = { tid: this.#tracks.size + 1, stack: [], last: 0 }
    this.#tracks.set(session, track)
    const place = { pid: PID, tid: track.tid }
    const name = session === undefined ? 'no session' : `session ${session}`
    yield { ph: 'M', name: 'thread_name', ...place, args: { name } }
    yield { ph: 'M', name: 'thread_sort_index', ...place, args: { sort_index: track.tid } }
    return track
  }

  /** Whether a command runs. */
  isOpen(id: string): boolean {
    return this.#open.has(id)
  }

  *begin(record: JournalRecord, at: number): Generator<TraceEvent> {
    const { id, cause } = record
    if (id === undefined || this.#open.has(id)) return
    const track = yield* this.#trackOf(record.session)
    const event = cause === undefined ? undefined : this.#events.get(cause)
    const parent = this.#open.get(event?.parent ?? cause ?? '')
    const top = track.stack.at(-1)
    const slice: Slice = { id, name: sliceName(record), track, began: at, family: undefined }
    this.#open.set(id, slice)

    const isNested = top === undefined || (top === parent && parent.family === undefined)
    const within =
      parent?.family?.stack.at(-1) === parent && parent?.track === track ? parent?.family : undefined
    if (!isNested) slice.family = within ?? { id: `0x${(++this.#families).toString(16)}`, stack: [], last: 0 }
    const place = slice.family ?? track
    place.stack.push(slice)
    place.last = Math.max(place.last, at)

    const showsCause =
      event === undefined && (parent === undefined || (isNested && top === parent) || within !== undefined)
    const source = event ?? (parent && { tid: parent.track.tid, ts: at })
    const bind_id = showsCause || !source ? undefined : `0x${(++this.#flows).toString(16)}`
    if (bind_id !== undefined && source)
      yield {
        ph: 'X',
        name: `→ ${slice.name}`,
        pid: PID,
        ...source,
        ts: source.ts,
        dur: 0,
        bind_id,
        flow_out: true,
      }
    yield {
      ...this.#event(slice, slice.family ? 'b' : 'B', place.last),
      ...(bind_id !== undefined && { bind_id, flow_in: true }),
      args: argsOf(record),
    }
  }

  *end(record: JournalRecord, at: number): Generator<TraceEvent> {
    const slice = this.#open.get(record.of ?? '')
    if (!slice) return
    const ended = slice.began + Math.round((record.ms ?? NaN) * 1000)
    const end = Number.isSafeInteger(ended) ? ended : at
    yield* this.#close(slice, Math.max(end, slice.began), endArgsOf(record))
  }

  /** Something that happened within a command: an event, a note, the first chunk of an answer. */
  *point(record: JournalRecord, at: number, name: string): Generator<TraceEvent> {
    const { id, cause, seq } = record
    const track = yield* this.#trackOf(record.session)
    const parent = this.#open.get(cause ?? '')
    if (id !== undefined) this.#remember(id, { tid: track.tid, ts: at, parent: cause })
    const args = { line: seq + 1, id, cause }
    if (parent?.family) yield { ...this.#event(parent, 'n', at), name, args }
    else yield { ph: 'i', name, cat: record.kind, pid: PID, tid: track.tid, ts: at, s: 't', args }
  }

  /** Ends what has no end, the innermost first. */
  *closeAll(at: number): Generator<TraceEvent> {
    const inner = [...this.#open.values()].toReversed()
    for (const slice of inner)
      if (this.#open.has(slice.id)) yield* this.#close(slice, at, { status: 'interrupted' })
  }

  *#close(slice: Slice, at: number, args: Readonly<Record<string, unknown>>): Generator<TraceEvent> {
    this.#open.delete(slice.id)
    const place = slice.family ?? slice.track
    place.last = Math.max(place.last, at)
    const above = place.stack.splice(place.stack.indexOf(slice)).slice(1)
    const { last } = place
    for (const cut of above.toReversed())
      yield { ...this.#event(cut, cut.family ? 'e' : 'E', last), args: { status: 'outlives what caused it' } }
    yield { ...this.#event(slice, slice.family ? 'e' : 'E', last), args }
    // What outlives its cause goes on beside the track, each by itself.
    for (const cut of above) {
      cut.family = { id: `0x${(++this.#families).toString(16)}`, stack: [cut], last }
      yield { ...this.#event(cut, 'b', last), args: { id: cut.id } }
    }
  }

  #event(slice: Slice, ph: 'B' | 'E' | 'b' | 'e' | 'n', ts: number): TraceEvent {
    const place = { ph, name: slice.name, pid: PID, tid: slice.track.tid, ts }
    return slice.family ? { ...place, cat: OVERLAP, id: slice.family.id } : { ...place, cat: 'command' }
  }

  #remember(id: string, event: { tid: number; ts: number; parent: string | undefined }): void {
    this.#events.set(id, event)
    if (this.#events.size <= REMEMBERED) return
    for (const oldest of this.#events.keys()) {
      this.#events.delete(oldest)
      return
    }
  }
}
