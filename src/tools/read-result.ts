import * as z from 'zod'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { READ_TOOL_RESULT } from '../messages/tool.ts'
import type { Absence } from './bounded-store.ts'
import { checkWholeNumber } from './check-option.ts'
import { defineTool, type Tool } from './define-tool.ts'
import type { ResultStore } from './result-store.ts'

/** A part of a result, by characters (UTF-16 code units). `next` is where to read on, null at the end. */
export interface ResultSlice {
  offset: number
  text: string
  next: number | null
  total: number
}

/** Places where a text stands, each with what is around it. `next` is where to search on, null when there are no more. */
export interface ResultMatches {
  matches: { offset: number; text: string }[]
  next: number | null
  total: number
}

export interface ReadToolResultOptions {
  /** Characters of one answer, and what it has when the model does not say (default 8 000). */
  maxLength?: number | undefined
}

/** Characters around a match, on each side. */
const AROUND = 100
const LONGEST_FIND = 200

/**
 * The tool by which a model reads on in a result of which it saw only the beginning, by characters or by searching a text.
 * An answer holds at most `maxLength` characters of the result, so it must not be cut again. Rejects with
 * `INVALID_ARGUMENTS`, `data.absent` says why, when the result is not there.
 */
export function readToolResult(store: ResultStore, { maxLength = 8000 }: ReadToolResultOptions = {}): Tool {
  checkWholeNumber('readToolResult.maxLength', maxLength, 1000)
  return defineTool({
    name: READ_TOOL_RESULT,
    description:
      'Read more of a tool result that was cut. Give its handle and the offset to read on at, or find a text in it.',
    effect: 'read',
    parameters: z.object({
      handle: z.string().describe('The handle that the cut result names.'),
      offset: z.int().min(0).default(0).describe('The character to begin at; `next` of the last answer.'),
      length: z.int().min(1).max(maxLength).default(maxLength).describe('How many characters to return.'),
      find: z
        .string()
        .min(1)
        .max(LONGEST_FIND)
        .optional()
        .describe('Return the places where this text stands, upper or lower case alike, from offset on.'),
    }),
    run({ handle, offset, length, find }, scope: Scope) {
      const found = store.find({ session: scope.session, call: handle })
      if ('absent' in found) throw notThere(handle, found.absent)
      if (find !== undefined) return matchesIn(found.text, find, { offset, length })
      return sliceOf(found.text, { offset, length })
    },
  })
}

/**
 * At most `length` characters from `offset` on, never half a surrogate pair: it begins one earlier or ends one earlier
 * instead (a single pair is given whole, if `length` is 1). Slices read on by `next` are the whole text.
 */
export function sliceOf(text: string, { offset, length }: { offset: number; length: number }): ResultSlice {
  const start = splitsPair(text, offset) ? offset - 1 : Math.min(offset, text.length)
  const wanted = Math.min(start + length, text.length)
  const end = splitsPair(text, wanted) ? (wanted - 1 > start ? wanted - 1 : wanted + 1) : wanted
  return {
    offset: start,
    text: text.slice(start, end),
    next: end < text.length ? end : null,
    total: text.length,
  }
}

/**
 * The places from `offset` on where `find` stands, upper and lower case alike, none overlapping, with 100 characters
 * around each; as many as fit in `length` characters, at least one.
 */
export function matchesIn(
  text: string,
  find: string,
  { offset, length }: { offset: number; length: number },
): ResultMatches {
  // Not by lower-casing both: that changes the length of some texts, and with it every offset.
  const pattern = new RegExp(find.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu')
  pattern.lastIndex = splitsPair(text, offset) ? offset - 1 : offset
  const matches: ResultMatches['matches'] = []
  let room = length
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const { text: around } = sliceOf(text, {
      offset: Math.max(match.index - AROUND, 0),
      length: Math.min(match.index, AROUND) + match[0].length + AROUND,
    })
    if (matches.length > 0 && around.length > room) return { matches, next: match.index, total: text.length }
    matches.push({ offset: match.index, text: around })
    room -= around.length
  }
  return { matches, next: null, total: text.length }
}

function splitsPair(text: string, at: number): boolean {
  return isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

const REASONS: Readonly<Record<Absence, string>> = {
  expired: 'It was kept for a limited time, which is over.',
  dropped: 'It made room for newer results.',
  'too large': 'It was too large to be kept.',
  unknown: 'Use a handle that a cut result of this conversation names.',
}

function notThere(handle: string, absent: Absence): BuslineError {
  const remedy =
    absent === 'unknown' ? '' : ' Call the tool again, if that is safe, and ask for less if it can give less.'
  return new BuslineError(
    'INVALID_ARGUMENTS',
    `handle: there is no result ${JSON.stringify(handle)} to read on in. ${REASONS[absent]}${remedy}`,
    { data: { handle, absent } },
  )
}
