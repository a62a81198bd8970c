import { expect, test } from 'vitest'
import type { OpenedRun } from '../../programs/busline/open-run.ts'
import { spooled } from '../../programs/busline/spooled.ts'
import { tellFailure } from '../../programs/busline/tell-failure.ts'

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

test('what is wrong with it is told of stdin, not of a file that nobody knows', async () => {
  const opened: OpenedRun = {
    name: 'stdin',
    path: undefined,
    source: new Blob(['{"seq":0,"time":1,"kind":"event","type":"a"}\njunk\n']).stream(),
    onTornTail: () => undefined,
    records: () => expect.unreachable('stdin was read a second time'),
  }
  const run = await spooled(opened, new AbortController().signal)
  const read = async (): Promise<void> => {
    for await (const _ of run.records()) continue
  }
  const failure: unknown = await read().catch((error: unknown) => error)

  expect(tellFailure(failure, {})).toEqual({
    code: 3,
    lines: [expect.stringMatching(/^Line 2 of stdin is damaged: it is not a line of JSON\./)],
  })
})
