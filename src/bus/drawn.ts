import { hash } from 'node:crypto'

/** Characters of a drawn id. */
const LENGTH = 10
/** Hexadecimal digits of 52 bits: as many as a number holds exactly. */
const DIGITS = 13

/** A number from 0 up to 1 that follows from a text, by SHA-256: the same in a replay, without having been recorded. */
export function drawnNumber(from: string): number {
  return Number.parseInt(hash('sha256', from).slice(0, DIGITS), 16) / 16 ** DIGITS
}

/** An id of ten characters of `[0-9a-z]` that follows from a text, as {@link drawnNumber} does. It is no secret. */
export function drawnId(from: string): string {
  return Math.floor(drawnNumber(from) * 36 ** LENGTH)
    .toString(36)
    .padStart(LENGTH, '0')
}
