import { expect, test } from 'vitest'
import type { OpenedRun } from '../../programs/busline/open-run.ts'
import { spooled } from '../../programs/busline/spooled.ts'

test('what came from a pipe can be read again and again, also as records', async () => {
  const lines = '{"seq":0,"time":1,"kind":"event","type":"a"}\n{"seq":1,"ti'
  const source = new Blob([lines]).stream()
  const torn: unknown[] = []
  const opened: OpenedRun = {
    name: 'stdin',
    path: undefined,
    source,
    onTornTail: (tail) => void torn.push(tail),
    records: () => expect.unreachable('stdin was read a second time'),
  }

  const run = await spooled(opened, new AbortController().signal)

  for (let time = 1; time <= 2; time++) {
    const types: string[] = []
    for await (const { type } of run.records()) types.push(type)
    expect(types).toEqual(['a'])
  }
  expect(torn).toEqual([
    { line: 2, bytes: 12 },
    { line: 2, bytes: 12 },
  ])
})
