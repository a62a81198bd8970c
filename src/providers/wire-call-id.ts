import { createHash } from 'node:crypto'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * The id of a tool call for a server that wants `length` letters and digits: the same where it fits, else as many of a
 * digest. A pure function of the id, so that a call and its result still belong together.
 */
export function wireCallId(id: string, length: number | undefined): string {
  if (length === undefined || (id.length === length && /^[A-Za-z0-9]+$/.test(id))) return id
  const digest = createHash('sha256').update(id).digest()
  return Array.from(
    { length },
    (_, place) => LETTERS[(digest[place % digest.length] ?? 0) % LETTERS.length],
  ).join('')
}
