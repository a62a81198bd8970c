import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineEvent, jsonlJournal, MessageBus } from 'busline'
import { ProcessChange, readJournal } from 'busline/journal'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'busline-begun-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Noted = defineEvent('test.noted', { data: z.object({ text: z.string() }) })

test('another process begins where a journal is opened again, and not with a segment that it goes on in', async () => {
  const path = join(folder, 'run.jsonl')
  for (const left of [9, 9]) {
    const bus = new MessageBus({ journal: jsonlJournal(path, { rotate: { bytes: 1500 } }) })
    for (let more = left; more > 0; more--) await bus.publish(Noted, { text: 'x'.repeat(300) }).accepted
    await bus.stop()
  }

  const { headers, changes } = await changesOf(path)
  expect(headers).toBeGreaterThan(3)
  expect(changes).toEqual(['busline.journal', 'bus.opened'])
})

test('one that follows a process which was killed between two segments begins behind the header of its file', async () => {
  const path = join(folder, 'between.jsonl')
  const note = async (): Promise<void> => {
    const bus = new MessageBus({
      journal: jsonlJournal(path, { rotate: { bytes: 1500 } }),
      newId: () => 'run',
    })
    await bus.publish(Noted, { text: 'x'.repeat(300) }).accepted
    await bus.stop()
  }
  await note()
  renameSync(path, path.replace('.jsonl', '.00001.jsonl'))
  await note()
  expect(await changesOf(path)).toEqual({ headers: 2, changes: ['busline.journal', 'bus.opened'] })
})

async function changesOf(path: string): Promise<{ headers: number; changes: string[] }> {
  const change = new ProcessChange()
  const changes: string[] = []
  let headers = 0
  for await (const record of readJournal(path)) {
    if (record.kind === 'header') headers++
    if (change.at(record, () => record)) changes.push(record.type)
  }
  return { headers, changes }
}
