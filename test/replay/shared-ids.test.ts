import type { JournalRecord } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SharedIds } from '../../src/replay/shared-ids.ts'

test('a record whose ids are shared is equal to what it was, whatever it holds, and left as it was itself', () => {
  const data = fc.oneof(
    fc.jsonValue(),
    fc.record({ model: fc.string(), messages: fc.array(fc.option(fc.string(), { nil: null })) }),
    fc.record({ messages: fc.jsonValue() }),
  )
  const record = fc.record({
    seq: fc.nat(),
    time: fc.nat(),
    kind: fc.constantFrom('command', 'event'),
    type: fc.constantFrom('model.call', 'session.append'),
    data,
  })
  const ids = new SharedIds()
  fc.assert(
    fc.property(record, (given) => {
      const json = JSON.stringify(given)
      const line: JournalRecord = JSON.parse(json)
      expect(JSON.stringify(ids.share(line))).toBe(json)
      expect(JSON.stringify(line)).toBe(json)
    }),
  )
})
