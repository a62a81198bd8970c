import { BuslineError, type JournalRecord } from 'busline'
import { resolveBlobs, type ScannedLine } from 'busline/journal'

/** Records with their big values, which stand in files beside the journal. */
export class WholeRecords {
  readonly #path: string | undefined
  #missing: BuslineError | undefined

  /** @param path of the journal; undefined where nothing can stand beside it */
  constructor(path: string | undefined) {
    this.#path = path
  }

  /** `BLOB_MISSING` for the first value that could not be read. */
  get missing(): BuslineError | undefined {
    return this.#missing
  }

  /** A record; a value that is not there is shown by its beginning. */
  of(line: ScannedLine): JournalRecord {
    const record = line.record()
    if (!line.text().includes('"$blob":')) return record
    try {
      if (this.#path !== undefined) return resolveBlobs(record, this.#path, line.line)
    } catch (error) {
      if (!(error instanceof BuslineError)) throw error
      this.#missing ??= error
    }
    return withPreviews(record)
  }
}

/** A record with the beginnings of its big values in their place: for a look at what it says. */
export function previewRecord(line: Pick<ScannedLine, 'record'>): JournalRecord {
  return withPreviews(line.record())
}

function withPreviews(record: JournalRecord): JournalRecord {
  const open: object[] = [record]
  for (let item = open.pop(); item; item = open.pop()) {
    for (const [key, member] of Object.entries(item)) {
      if (typeof member !== 'object' || member === null) continue
      const preview = previewOf(member)
      if (preview === undefined) open.push(member)
      else Object.defineProperty(item, key, { value: preview, enumerable: true })
    }
  }
  return record
}

function previewOf(value: object): string | undefined {
  if (!('$blob' in value && 'bytes' in value && 'preview' in value)) return undefined
  return `${String(value.preview)}… (${String(value.bytes)} bytes)`
}
