import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { assertLosslessJson, type JsonValue } from '../messages/lossless-json.ts'

/** What a fork changes: by session, and in the record of its line. */
export interface ForkChanges {
  /** Fields of every session. */
  readonly session: { name?: string | null; model?: string | null; systemPrompt?: string | null }
  /** Keys of every session's free context. */
  readonly context: Record<string, JsonValue>
  /** Paths into the record, from `data`, `output` or `error` on. */
  readonly record: readonly { readonly path: readonly string[]; readonly value: JsonValue }[]
}

const HEAVY = new Set(['data', 'output', 'error'])
const FIELDS = new Set(['name', 'model', 'systemPrompt'])

/**
 * Sorts what is to be changed: `model`, `systemPrompt`, `name` and `context.KEY` are fields of the sessions, `data.…`,
 * `output.…` and `error.…` of the record at the fork's line.
 *
 * @throws BuslineError `INVALID_OPTION` naming the path
 */
export function sortChanges(set: Readonly<Record<string, JsonValue>>): ForkChanges {
  const session: Record<string, string | null> = {}
  const context: Record<string, JsonValue> = {}
  const record: { path: string[]; value: JsonValue }[] = []
  for (const [name, value] of Object.entries(set)) {
    assertLosslessJson(value, `the value of ${name}`)
    const path = name.split('.')
    const [first = '', key = ''] = path
    if (path.some((part) => part === '' || part === '__proto__'))
      throw invalid(name, 'It is no path of fields.')
    if (HEAVY.has(first)) record.push({ path, value })
    else if (first === 'context' && path.length === 2) context[key] = value
    else if (path.length > 1 || !FIELDS.has(first))
      throw invalid(
        name,
        'A path begins with data, output or error (of the record), or is model, systemPrompt, name or context.KEY (of the session).',
      )
    else if (value !== null && typeof value !== 'string') throw invalid(name, 'It must be a text, or null.')
    else session[first] = value
  }
  return { session, context, record }
}

/**
 * The record with its changes; it itself stays as it was.
 *
 * @throws BuslineError `INVALID_OPTION` for a path that leads through a field which there is not
 */
export function changedRecord(record: JournalRecord, changes: ForkChanges['record']): JournalRecord {
  const copy = structuredClone(record)
  for (const { path, value } of changes) {
    let at: unknown = copy
    for (const part of path.slice(0, -1)) at = fieldOf(at, part)
    const last = path.at(-1) ?? ''
    // A field that there is not may be added to an object; the heavy field itself must be the record's own.
    const takes = Array.isArray(at)
      ? /^\d+$/.test(last) && Number(last) < at.length
      : typeof at === 'object' && at !== null && (path.length > 1 || Object.hasOwn(at, last))
    if (!takes || typeof at !== 'object' || at === null)
      throw invalid(
        path.join('.'),
        `The record at the fork's line, a ${record.kind} of ${record.type}, has no such field.`,
      )
    Reflect.set(at, last, value)
  }
  return copy
}

/** What stands at a path of a record; undefined when there is nothing. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const field: unknown = Reflect.get(value, name)
  return field
}

function invalid(path: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `forkRun.set.${path}: ${why}`, { data: { option: 'set', path } })
}
