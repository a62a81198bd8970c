import type { JournalRecord } from '../bus/journal.ts'

/** What a line of the fork's own is about. */
export interface About {
  type: string
  id?: string | undefined
  session?: string | undefined
  turn?: string | undefined
  cause?: string | undefined
  root?: string | undefined
}

/** Writes the lines that a fork adds to those of its parent, as the bus writes them: envelope first, in order. */
export class ForkLines {
  readonly #time: number
  readonly #run: string
  readonly #write: (record: JournalRecord) => void
  #seq: number
  #roots = 0

  /** @param options.seq that of its first line */
  constructor(options: { seq: number; time: number; run: string; write: (record: JournalRecord) => void }) {
    this.#seq = options.seq
    this.#time = options.time
    this.#run = options.run
    this.#write = options.write
  }

  /** The id of a message that nothing caused. */
  rootId(): string {
    return `${this.#run}-f${++this.#roots}`
  }

  message(kind: 'command' | 'event', about: About & { id: string }, data: unknown): JournalRecord {
    return this.#line(kind, about, { data })
  }

  result(command: JournalRecord, end: { output: unknown } | { error: unknown }): JournalRecord {
    const { type, id: of, session, turn, cause, root } = command
    const status = 'output' in end ? 'ok' : 'cancelled'
    return this.#line('result', { type, session, turn, cause, root }, end, {
      of,
      ms: 0,
      status,
      by: 'forkRun',
    })
  }

  #line(
    kind: string,
    { type, id, session, turn, cause, root }: About,
    last: object,
    end: { of?: string | undefined; ms?: number; status?: string; by?: string } = {},
  ): JournalRecord {
    const { of, ...rest } = end
    const record: JournalRecord = {
      seq: this.#seq++,
      time: this.#time,
      kind,
      type,
      ...(id !== undefined && { id }),
      ...(of !== undefined && { of }),
      ...(session !== undefined && { session }),
      ...(turn !== undefined && { turn }),
      ...(cause !== undefined && { cause }),
      ...(root !== undefined && { root }),
      ...rest,
      ...last,
    }
    this.#write(record)
    return record
  }
}
