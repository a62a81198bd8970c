import type { JournalRecord } from '../bus/journal.ts'
import { TIME_READ } from '../messages/message-types.ts'
import { fieldOf, subscriberIn } from './line-kinds.ts'
import type { Expected } from './recorded-run.ts'

/** Whose timer it is, as far as can be told. */
export interface Owner {
  readonly owner: string | undefined
  /** For a delivery: the subscriber. */
  readonly subscriber: string | undefined
}

/** The lines that the handler of a message writes, or its subscribers: what it sends, its notes, and its result. */
export class LinesByOwner {
  #lines = new Map<string, Expected[]>()

  constructor(lines: readonly Expected[]) {
    for (const line of lines) {
      const { record } = line
      const owner = record.kind === 'result' ? record.of : record.cause
      if (owner === undefined) continue
      const own = this.#lines.get(owner)
      if (own) own.push(line)
      else this.#lines.set(owner, [line])
    }
  }

  /** What it may write next. */
  next(owner: Owner): Expected | undefined {
    return this.#left(owner).find(({ done, record }) => !done && isBySubscriber(owner, record))
  }

  /** What is done is forgotten, so that a long turn is not looked through each time. */
  #left({ owner }: Owner): readonly Expected[] {
    const own = owner === undefined ? undefined : this.#lines.get(owner)
    while (own?.[0]?.done) own.shift()
    return own ?? []
  }
}

/** Whether a line may be one of these subscriber's, or is not about subscribers. */
export function isBySubscriber({ subscriber }: Owner, record: JournalRecord): boolean {
  return subscriber === undefined || subscriber === (subscriberIn(record) ?? subscriber)
}

/** Whether this is the note of a timer that rang late. */
export function rangLate({ type, data }: JournalRecord): boolean {
  return type === TIME_READ && fieldOf(data, 'after') === 'sleep'
}
