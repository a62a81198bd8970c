import { boundedStore, type Absence } from './bounded-store.ts'

export interface ResultStoreOptions {
  /** The bus's clock, epoch milliseconds: `bus.now`. */
  now: () => number
  /** Bytes (UTF-8) of all results together (default 64 MiB); the oldest are dropped first. */
  maxBytes?: number | undefined
  /** Milliseconds that a result is kept (default one hour). */
  ttl?: number | undefined
  /** How many results are kept (default 10 000). */
  maxResults?: number | undefined
}

/** The whole text of one result, or why it is not there any more. */
export type KeptResult = { readonly text: string } | { readonly absent: Absence }

/** Whole results of tools, by session and call: what a model was shown only the beginning of. */
export interface ResultStore {
  /**
   * Keeps the text of a call's result, in place of a former one. False when it alone is larger than `maxBytes`: then it
   * is not kept, and there is nothing to read on in.
   */
  keep(result: { session: string | undefined; call: string; text: string }): boolean
  find(result: { session: string | undefined; call: string }): KeptResult
  /** Forgets all results of a session. */
  forget(session: string): void
  /** Bytes of what is kept now; never more than `maxBytes`. */
  bytes(): number
}

/**
 * Keeps whole results in memory, within bounds. A call's id counts within its session only, because models repeat them.
 * Nothing outlives the process; what is gone is told as `expired`, `dropped` (for newer results), `too large` or
 * `unknown`.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function resultStore(options: ResultStoreOptions): ResultStore {
  const { now, maxBytes = 64 * 2 ** 20, ttl = 3_600_000, maxResults = 10_000 } = options
  const store = boundedStore<string>('resultStore', { maxBytes, ttl, maxEntries: maxResults }, 'maxResults')

  return {
    keep: ({ session, call, text }) =>
      store.put(keyOf(session, call), text, Buffer.byteLength(text, 'utf8'), now()),
    find({ session, call }) {
      const found = store.find(keyOf(session, call), now())
      return 'value' in found ? { text: found.value } : found
    },
    forget: (session) => store.forget(keyOf(session, '')),
    bytes: () => store.bytes(now()),
  }
}

/** A session's id has no line break, so that no two pairs make the same key. */
function keyOf(session: string | undefined, call: string): string {
  return `${session ?? ''}\n${call}`
}
