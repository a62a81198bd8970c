import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { KnownIds } from '../../src/journal/known-ids.ts'

const id = fc
  .tuple(
    fc.constantFrom('a', 'b-1', 'a.b', '.', ''),
    fc.array(fc.constantFrom('1', '2', '3', '0', '01', '4', 'x'), { maxLength: 7 }),
  )
  .map(([first, more]) => [first, ...more].join('.'))
const message = fc.record({ id, root: fc.constantFrom('a', 'b-1', 'other'), isUnderCause: fc.boolean() })

test('ids are known with their roots exactly when they were added, however they are built', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), fc.array(id), (messages, asked) => {
      const known = new KnownIds()
      const plain = new Map<string, string>()
      for (const { id, root, isUnderCause } of messages) {
        if (plain.has(id)) continue
        const cause = isUnderCause ? id.slice(0, id.lastIndexOf('.')) : undefined
        known.add(id, cause, root)
        plain.set(id, root)
      }
      for (const one of [...plain.keys(), ...asked]) {
        expect(known.has(one)).toBe(plain.has(one))
        expect(known.rootOf(one)).toBe(plain.get(one))
      }
    }),
    { numRuns: 500 },
  )
})
