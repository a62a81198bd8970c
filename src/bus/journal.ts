/**
 * Where a bus writes its lines. `append` takes one line without its newline and never throws; what failed
 * to be written rejects the next `flush`, which resolves when every appended line is as durable as the journal
 * promises. `close` flushes and lets go.
 */
export interface Journal {
  append(line: string): void
  flush(): Promise<void>
  close(): Promise<void>
  /**
   * Set by a journal that continues earlier lines: where `seq` goes on, and how many torn bytes were cut. `segment` and
   * `run` when the file is new, but earlier segments of its run are there: it begins with a header that says so.
   */
  readonly continues?:
    { nextSeq: number; cutBytes: number; segment?: number; run?: string | undefined } | undefined
  /** Of a journal that keeps big values beside its lines. */
  readonly blobs?: BigValues | undefined
  /** Of a journal that goes on in further files: told once, by its bus, how to ask for the line that each begins with. */
  beginSegments?(header: SegmentHeader): void
}

/** Asked for references in place of big values, when a line's last field is long or may look as if it held any. */
export interface BigValues {
  /** JSON of no more characters is not asked about, unless it has a `$blob` key. */
  readonly from: number
  /** The JSON to write in place of this one. Never throws. */
  shorten(json: string): string
}

/**
 * The header of a run's next segment. It has the next `seq`, so it must be written next, as the first line of the file.
 *
 * @param segment counted from 1, the run's first file
 * @param run as the run's first header names it; default is this bus's
 */
export type SegmentHeader = (segment: number, run?: string) => string

/** The fields that every record may have; `data`, `output` or `error` comes last in its line. */
export interface JournalRecord {
  v?: number
  seq: number
  time: number
  kind: string
  type: string
  /** Of the data, as its type counts it; absent for 1. */
  version?: number
  id?: string
  of?: string
  session?: string
  turn?: string
  cause?: string
  root?: string
  ms?: number
  status?: string
  attempt?: number
  by?: string
  data?: unknown
  output?: unknown
  error?: { code: string; name: string; message: string; data?: unknown; cause?: unknown }
  [field: string]: unknown
}
