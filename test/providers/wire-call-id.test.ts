import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { wireCallId } from '../../src/providers/wire-call-id.ts'

test('an id goes as it is where any will do, and where it fits', () => {
  expect(wireCallId('call_0fypS1hVX', undefined)).toBe('call_0fypS1hVX')
  expect(wireCallId('a1B2c3D4e', 9)).toBe('a1B2c3D4e')
})

test('any other becomes as many letters and digits, the same for the same id', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), (ids) => {
      const sent = ids.map((id) => wireCallId(id, 9))
      expect(new Set(sent).size).toBe(ids.length)
      for (const id of sent) expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
      expect(ids.map((id) => wireCallId(id, 9))).toEqual(sent)
    }),
  )
})
