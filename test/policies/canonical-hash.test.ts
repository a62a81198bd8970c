import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalHash } from '../../src/policies/canonical-hash.ts'

/** The same value with the keys of all its objects in the other order. */
function backwards(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(backwards)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, backwards(item)]),
  )
}

/** Without what JSON does not tell apart: a zero has no sign. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

describe('canonicalHash', () => {
  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalHash(backwards(value))).toBe(canonicalHash(value))
      }),
    )
  })

  test('tells different values apart', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(canonicalHash(a) === canonicalHash(b)).toBe(isDeepStrictEqual(asJson(a), asJson(b)))
      }),
    )
    const values = [
      { a: 1 },
      { a: '1' },
      { a: null },
      {},
      [],
      [1, 2],
      [2, 1],
      null,
      undefined,
      '',
      'undefined',
    ]
    expect(new Set(values.map(canonicalHash)).size).toBe(values.length)
  })

  test('takes an undefined property for an absent one', () => {
    expect(canonicalHash({ a: 1, b: undefined })).toBe(canonicalHash({ a: 1 }))
  })
})
