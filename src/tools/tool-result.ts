import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { shareResult, type SharedObjects } from './shared-objects.ts'

/** Bytes up to this many are told as base64: more would cost a model more tokens than most contexts have. */
const MOST_INLINE = 8 * 1024

/**
 * What a tool returned, as JSON: undefined becomes null. Bytes and what the tool marked with `share` become refs, wherever
 * they stand, where there are `objects` to keep them; else bytes become `{ type: 'binary', bytes, base64 }`.
 *
 * @throws BuslineError `NOT_JSON` that names the place, for anything else that JSON would lose, and for more than 8 KiB of
 *   bytes that nobody keeps
 */
export function jsonResult(
  tool: string,
  value: unknown,
  { objects, scope }: { objects: SharedObjects | undefined; scope: Scope },
): unknown {
  if (value === undefined) return null
  const json = objects
    ? shareResult(objects, value, scope)
    : inlined(value, { tool, path: '', ancestors: [] })
  try {
    assertLosslessJson(json, `What ${tool} returned`)
  } catch (error) {
    throw withRemedy(tool, error)
  }
  return json
}

interface Place {
  readonly tool: string
  readonly path: string
  readonly ancestors: readonly object[]
}

/** Deeper is refused anyway. */
const DEEPEST = 1000

/** A copy only where there are bytes; what is no plain JSON is left as it is, to be refused with its path. */
function inlined(value: unknown, place: Place): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return binary(value, place)
  if (value instanceof ArrayBuffer) return binary(new Uint8Array(value), place)
  const { path } = place
  if (place.ancestors.includes(value) || place.ancestors.length > DEEPEST) return value
  const ancestors = [...place.ancestors, value]
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item: unknown, index) =>
      inlined(item, { ...place, ancestors, path: `${path}[${index}]` }),
    )
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => ({
    key,
    item,
    told: inlined(item, { ...place, ancestors, path: path ? `${path}.${key}` : key }),
  }))
  if (entries.every(({ item, told }) => item === told)) return value
  return Object.fromEntries(entries.map(({ key, told }) => [key, told]))
}

function binary(bytes: Uint8Array, { tool, path }: Place): object {
  const { buffer, byteOffset, byteLength } = bytes
  if (byteLength <= MOST_INLINE) {
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
    return { type: 'binary', bytes: byteLength, base64 }
  }
  const where = path ? ` at ${path}` : ''
  throw new BuslineError(
    'NOT_JSON',
    `${tool} ran, but what it returned holds ${byteLength} bytes${where}, and more than ${MOST_INLINE} are not shown. With sharedObjects() the tool manager passes them on by reference.`,
    { data: { path, bytes: byteLength } },
  )
}

const REMEDIES: Readonly<Record<string, string>> = {
  Date: 'Return a date as text: date.toISOString().',
  Map: 'Return a Map as an object: Object.fromEntries(map).',
  Set: 'Return a Set as an array: [...set].',
  bigint: 'Return a bigint as text: String(value).',
  Shared: 'Give the tool manager sharedObjects() for what a tool shares.',
}

/** The call has run: a model that takes the failure for one of the call might make it again. */
function withRemedy(tool: string, error: unknown): unknown {
  if (!(error instanceof BuslineError)) return error
  const remedy = REMEDIES[String(error.data['found'])]
  return new BuslineError(
    'NOT_JSON',
    `${tool} ran, but its result can't be shown. ${error.message}${remedy === undefined ? '' : ` ${remedy}`}`,
    { data: error.data, cause: error },
  )
}
