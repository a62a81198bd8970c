import { BuslineError } from '../messages/busline-error.ts'

const LEGAL = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** Whether a text may name a session, and with that a file. */
export function isSessionId(id: string): boolean {
  return LEGAL.test(id)
}

/**
 * Returns the id if it may name a session. Everything that makes a path of an id comes through here first.
 *
 * @throws BuslineError `INVALID_SESSION_ID` that shows the id and the rule
 */
export function checkSessionId(id: string): string {
  if (isSessionId(id)) return id
  throw new BuslineError(
    'INVALID_SESSION_ID',
    `${quoteId(id)} can't name a session. Use 1 to 64 characters of a-z, 0-9, _ and -, the first of them a letter or a digit.`,
    { data: { id: quoteId(id) } },
  )
}

const SHOWN = 80

/** An id as errors show it: quoted, control characters escaped, at most 80 characters. */
export function quoteId(id: string): string {
  // Cut before and after: escaping makes text longer, and nobody needs a megabyte of it escaped.
  const quoted = JSON.stringify(id.slice(0, SHOWN))
  return quoted.length > SHOWN ? `${quoted.slice(0, SHOWN - 1)}…` : quoted
}
