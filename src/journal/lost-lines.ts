import type { JournalRecord } from '../bus/journal.ts'

/** Where a line says its number and time: the envelope comes first, in the order of the format. */
const PLACE = /^\{(?:"v":\d+,)?"seq":(\d+),"time":(-?\d+(?:\.\d+)?),/

/**
 * The lines that a journal could not keep: one range of `seq`, told by one note. It stands where the last of them
 * would, with its `seq` and `time`, so that `seq` goes on from there and the gap before it is declared.
 */
export class LostLines {
  #from = 0
  #to = 0
  #time = ''
  #count = 0

  get any(): boolean {
    return this.#count > 0
  }

  /** Counts a line as lost. False when it has no `seq`, so that its loss could not be told. */
  add(line: string): boolean {
    const [, seq, time] = PLACE.exec(line) ?? []
    if (seq === undefined || time === undefined) return false
    if (!this.any) this.#from = Number(seq)
    this.#to = Number(seq)
    this.#time = time
    this.#count++
    return true
  }

  /** The line that declares them; from here on none is lost. */
  takeNote(): string {
    const data = { lost: this.#count, from: this.#from, to: this.#to }
    this.#count = 0
    return `{"seq":${data.to},"time":${this.#time},"kind":"note","type":"bus.lost","data":${JSON.stringify(data)}}`
  }
}

/** The `seq` of the first line of those that a record declares lost, up to its own; undefined when it declares none. */
export function lostFrom(record: JournalRecord): number | undefined {
  const { seq, kind, type, data } = record
  if (kind !== 'note' || type !== 'bus.lost') return undefined
  if (typeof data !== 'object' || data === null || !('lost' in data && 'from' in data && 'to' in data))
    return undefined
  const { from, to, lost } = data
  return typeof from === 'number' && to === seq && lost === seq - from + 1 ? from : undefined
}

/** Whether a record declares that all lines from `seq` on, up to its own, were lost. */
export function declaresLost(record: JournalRecord, seq: number): boolean {
  return lostFrom(record) === seq
}
