import { memoryJournal, MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Greeted } from '../bus/fixtures/greeting.ts'

test('a memory journal holds the lines as they would stand in a file, and the records that they are', async () => {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal, now: () => 1, newId: () => 'run' })
  bus.publish(Greeted, { name: 'Ada' })

  expect(journal.lines[1]).toBe(
    '{"seq":1,"time":1,"kind":"event","type":"people.greeted","id":"run-1","root":"run-1","data":{"name":"Ada"}}',
  )
  expect(journal.records).toEqual(journal.lines.map((line): unknown => JSON.parse(line)))
})

test('its lines stay readable after the bus has stopped', async () => {
  const journal = memoryJournal()
  await new MessageBus({ journal }).stop()

  expect(journal.records).toMatchObject([{ v: 1, seq: 0, kind: 'header' }])
})
