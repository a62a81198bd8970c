import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { AppendMessages } from '../messages/session.ts'

/**
 * What timing alone cuts into pieces: the text of a stream into batches (`text`), the results of tools that ran side by side
 * into appends (`messages`), which have as many results (`last`).
 */
export type Joins = 'text' | 'messages' | 'last'

/** One thing that a run tells: a command, a result, an event, a note, or the pieces of one, see {@link Joins}. */
export interface RunNode {
  /** The line of its first record: `seq` + 1. */
  readonly line: number
  /** The place of its last record, from 1. */
  last: number
  readonly kind: string
  readonly type: string
  /** How its records are one, where it may stand for several; undefined where it stands for one. */
  readonly joins: Joins | undefined
  /** What it has to have in common with its counterpart: kind, type, and the name of a tool. */
  readonly key: string
  /** A hash of what it says but for ids: a hint at which of several alike is the counterpart. */
  readonly print: number
  /** Of a tool call and its result, the tool. */
  readonly name: string | undefined
  readonly session: string | undefined
  readonly turn: string | undefined
  /** What it caused, its result among it, in order. */
  children: RunNode[]
  /** The number of the pair that it belongs to, once the runs are aligned; undefined when it is alone. */
  pair: number | undefined
}

type Deltas = readonly (readonly [unknown, string])[]

/** The deltas of a batch of a stream event; undefined for any other record. */
export function deltasOf({ kind, data }: JournalRecord): Deltas | undefined {
  if (kind !== 'event' || typeof data !== 'object' || data === null) return undefined
  const { deltas } = { deltas: undefined, ...data }
  return Object.keys(data).length === 1 && isDeltas(deltas) ? deltas : undefined
}

function isDeltas(value: unknown): value is Deltas {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[1] === 'string')
  )
}

const ToolResults = z.looseObject({ messages: z.array(z.looseObject({ role: z.literal('tool') })).min(1) })

/** The messages of an append that brings nothing but results of tools; undefined for any other record. */
export function toolResultsOf({ kind, type, data }: JournalRecord): readonly unknown[] | undefined {
  if (kind !== 'command' || type !== AppendMessages.type) return undefined
  return ToolResults.safeParse(data).data?.messages
}

/** The tool that a call names; undefined for what names none. */
export function nameOf({ kind, data }: JournalRecord): string | undefined {
  return (kind === 'command' || kind === 'event') && isNamed(data) ? data.name : undefined
}

function isNamed(data: unknown): data is { name: string } {
  return typeof data === 'object' && data !== null && 'name' in data && typeof data.name === 'string'
}

/** Fields that say which one, when or how long, and not what. */
const PASSING = new Set([
  'id',
  'turn',
  'call',
  'tool_call_id',
  'hash',
  'time',
  'version',
  'key',
  'usage',
  'cost',
])
const STRUCTURAL_ID = /-\d+(?:\.\d+)*(?:\/\d+)?$/

/** A hash of what a record says, its ids left out; the same for records too deep to be read so. */
export function printOf({ data }: JournalRecord): number {
  if (data === undefined) return 0
  let text: string
  try {
    text = JSON.stringify(data, (key, value: unknown) => {
      if (PASSING.has(key)) return undefined
      return typeof value === 'string' && STRUCTURAL_ID.test(value) ? '' : value
    })
  } catch {
    // Deeper than the stack: it is only a hint.
    return 1
  }
  return fnv(text)
}

/** FNV-1a, 32 bit (G. Fowler, L. C. Noll, K.-P. Vo). */
function fnv(text: string): number {
  let hash = 0x811c9dc5
  for (let place = 0; place < text.length; place++)
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193)
  return hash
}
