import { isThenable } from './is-thenable.ts'
import type { JournalRecord } from './journal.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

export type Tap = (record: JournalRecord) => void

/** How many lines may each come from the one before, by taps that publish; then the tap never ends. */
const LONGEST_CHAIN = 100

interface Entry {
  readonly tap: Tap
}

interface Line {
  readonly json: string
  readonly entries: readonly Entry[]
  /** The tap that was running when the line was written. */
  readonly by: Entry | undefined
  /** How many lines, each written by a tap that had got the one before, led to this one. */
  readonly chain: number
}

/** Shows each line to every tap, in order, also when a tap causes further lines. */
export class Taps {
  #entries: readonly Entry[] = []
  #lines: Line[] = []
  /** What is being shown, and to whom. */
  #current: { line: Line; entry: Entry | undefined } | undefined
  #onFailure: (tap: Tap, error: unknown) => void

  /** @param onFailure told of a tap that has been taken off because it failed, also later */
  constructor(onFailure: (tap: Tap, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  get any(): boolean {
    return this.#entries.length > 0
  }

  add(tap: Tap): Unsubscribe {
    const entry = { tap }
    this.#entries = [...this.#entries, entry]
    return unsubscribe(() => this.#remove(entry))
  }

  show(json: string): void {
    const { line, entry } = this.#current ?? {}
    this.#lines.push({ json, entries: this.#entries, by: entry, chain: line ? line.chain + 1 : 0 })
    // A line that a tap causes waits until every tap has got this one.
    if (!line) this.#showAll()
  }

  #showAll(): void {
    for (let line = this.#lines.shift(); line; line = this.#lines.shift()) {
      this.#current = { line, entry: undefined }
      if (line.by && line.chain > LONGEST_CHAIN) this.#fail(line.by, endless())
      for (const entry of line.entries) this.#showTo(entry, line)
    }
    this.#current = undefined
  }

  #showTo(entry: Entry, line: Line): void {
    if (!this.#entries.includes(entry)) return
    this.#current = { line, entry }
    try {
      const record: JournalRecord = JSON.parse(line.json)
      const outcome: unknown = entry.tap(record)
      if (isThenable(outcome)) outcome.then(undefined, (error: unknown) => this.#fail(entry, error))
    } catch (error) {
      this.#fail(entry, error)
    }
  }

  #fail(entry: Entry, error: unknown): void {
    if (!this.#entries.includes(entry)) return
    this.#remove(entry)
    this.#onFailure(entry.tap, error)
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry)
  }
}

function endless(): Error {
  return new Error(
    `A tap that publishes got what it had caused, ${LONGEST_CHAIN} times over. Publish only for some records.`,
  )
}
