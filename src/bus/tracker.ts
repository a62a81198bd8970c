import { continuations } from './continuations.ts'
import type { Envelope } from './envelope.ts'

/** A message as a tracked call tells it: with the data after parsing. */
export type TrackedMessage = Envelope & { readonly data: unknown }

/** How many messages a tracked call keeps; what it causes beyond is waited for all the same. */
const MOST_KEPT = 10_000

/** Counts what one call causes, directly or not, and tells when nothing of it goes on any more. */
export class Tracker {
  readonly messages: TrackedMessage[] = []
  #going = 0
  #onQuiet: (() => void) | undefined

  message(message: TrackedMessage): void {
    if (this.messages.length < MOST_KEPT) this.messages.push(message)
  }

  begin(count = 1): void {
    this.#going += count
  }

  end(): void {
    this.#going--
    if (this.#going === 0) this.#onQuiet?.()
  }

  /** Resolves when everything that has begun has ended, and whoever waited for it has caused nothing more. */
  async quiet(): Promise<void> {
    do {
      if (this.#going > 0)
        await new Promise<void>((resolve) => {
          this.#onQuiet = resolve
        })
      await continuations()
    } while (this.#going > 0)
  }
}
