import { BuslineError } from '../messages/busline-error.ts'

export interface SessionOptions {
  /**
   * Milliseconds after which a session that nobody touched (opened, appended, committed, updated, edited) is gone: it
   * is not listed, opening its id begins a new one, and what was kept of it is removed (default: never). A file that
   * was brought from elsewhere lives for ever until it is opened here. While a session is kept that can expire, a
   * timer of the bus waits for that, and keeps the process alive until the bus is stopped.
   */
  ttl?: number
}

/**
 * Returns the options as they were given.
 *
 * @throws BuslineError `INVALID_OPTION` for a `ttl` that is not a number above 0
 */
export function checkSessionOptions(options: SessionOptions): SessionOptions {
  const { ttl } = options
  if (ttl === undefined || (typeof ttl === 'number' && ttl > 0)) return options
  throw new BuslineError(
    'INVALID_OPTION',
    `ttl must be a number of milliseconds above 0, not ${String(ttl)}. Leave it out to keep sessions for ever.`,
    { data: { option: 'ttl' } },
  )
}

/**
 * Refuses a folder that is none: an empty path would mean the working directory.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function checkFolder(dir: unknown): void {
  if (typeof dir === 'string' && dir.trim() !== '') return
  const given = typeof dir === 'string' ? JSON.stringify(dir) : dir === null ? 'null' : typeof dir
  throw new BuslineError(
    'INVALID_OPTION',
    `dir must be the path of a folder for session files, not ${given}. Name one, e.g. './sessions'.`,
    { data: { option: 'dir' } },
  )
}
