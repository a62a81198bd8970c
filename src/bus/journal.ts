/**
 * Where a bus writes its lines. `append` takes one line without its newline and never throws; what failed
 * to be written rejects the next `flush`, which resolves when every appended line is as durable as the journal
 * promises. `close` flushes and lets go.
 */
export interface Journal {
  append(line: string): void
  flush(): Promise<void>
  close(): Promise<void>
  /** Set by a journal that continues earlier lines: where `seq` goes on, and how many torn bytes were cut. */
  readonly continues?: { nextSeq: number; cutBytes: number } | undefined
}

/** The fields that every record may have; `data`, `output` or `error` comes last in its line. */
export interface JournalRecord {
  v?: number
  seq: number
  time: number
  kind: string
  type: string
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
