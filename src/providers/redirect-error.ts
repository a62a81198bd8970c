import { BuslineError } from '../messages/busline-error.ts'
import { oneLine } from './one-line.ts'

/**
 * The error for a redirect, undefined where an answer is none. It is not followed: a post would arrive as a get, and a key at
 * a host that it was not meant for. The place is told without user and query, which may hold what the request's own did.
 *
 * @param hide takes secrets out of a text
 */
export function redirectError(answered: {
  status: number
  where: string
  location?: string | null | undefined
  hide?: ((text: string) => string) | undefined
}): BuslineError | undefined {
  const { status, where, location, hide = (text) => text } = answered
  if (!location || status < 300 || status >= 400) return undefined
  const place = URL.canParse(location, where) ? new URL(location, where) : undefined
  const shown = place
    ? oneLine(hide(`${place.protocol}//${place.host}${place.pathname}`), 200)
    : 'another place'
  return new BuslineError(
    'INVALID_REQUEST',
    `${where} answered ${status}: it has moved to ${shown}. Set the base URL to the new place.`,
    { data: { status } },
  )
}
