import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { runScript } from '../bus/fixtures/run-script.ts'
import { talkingChild } from '../files/fixtures/talking-child.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { FaultyFiles } from './fixtures/faulty-files.ts'
import { lineOf, textOf } from './fixtures/line-of.ts'
import { readAll } from './fixtures/read-all.ts'

const classes = ['buffered', 'process', 'disk'] as const

describe.each(classes)('a journal of class %s', (durability) => {
  test('has every line in its file, in order, once it is closed', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const journal = jsonlJournal(path, { durability })
    for (let seq = 0; seq < 5000; seq++) {
      journal.append(lineOf(seq))
      if (seq % 100 === 0) await journal.flush()
    }
    await journal.close()

    expect(readFileSync(path, 'utf8')).toBe(textOf(0, 4999))
  })

  test('writes any text as UTF-8, also a line that is longer than its buffer', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const journal = jsonlJournal(path, { durability })
    const lines = ['plain', 'Zoë 🚌', '駅'.repeat(300_000), '🚌'.repeat(21_845)]
    for (const line of lines) journal.append(line)
    await journal.close()

    expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`)
  })

  test('continues what a journal of any class wrote', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    for (const [seq, before] of [...classes, durability].entries()) {
      const journal = jsonlJournal(path, { durability: before })
      expect(journal.continues).toEqual({ nextSeq: seq, cutBytes: 0 })
      journal.append(lineOf(seq))
      await journal.close()
    }

    expect(readFileSync(path, 'utf8')).toBe(textOf(0, 3))
  })

  test('writes everything when its process ends without closing it, and keeps no process alive', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const script = new URL('./fixtures/exits-in-window.ts', import.meta.url)
    const ended = await runScript(script, { args: [path, durability] })

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(path, 'utf8')).toBe(textOf(0, 0))
  })

  test('says on stderr that lines are lost when they can not be written at the end of the process', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    symlinkSync('/dev/full', path)
    const script = new URL('./fixtures/exits-in-window.ts', import.meta.url)
    const { stderr } = await runScript(script, { args: [path, durability] })

    expect(stderr).toBe(`The journal ${path} lost its last lines: no space is left on the device.\n`)
  })

  test('can be closed twice, also at once, and takes no line afterwards', async () => {
    const files = new FaultyFiles()
    const journal = jsonlJournal('a.jsonl', { durability, files })
    journal.append(lineOf(0))
    await Promise.all([journal.close(), journal.close()])
    journal.append(lineOf(1))
    await journal.flush()
    await journal.close()

    expect(files.content).toBe(textOf(0, 0))
  })

  test('rejects close with JOURNAL_FAILED when lines can not be written, and lets go of its file', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'a.jsonl')
    symlinkSync('/dev/full', path)
    for (let n = 0; n < 2; n++) {
      const journal = jsonlJournal(path, { durability })
      journal.append(lineOf(0))
      expect(await rejection(journal.close())).toMatchObject({
        code: 'JOURNAL_FAILED',
        data: { path },
        cause: { code: 'ENOSPC' },
      })
    }
  })
})

describe.each(['process', 'disk'] as const)('a journal of class %s', (durability) => {
  test('keeps every line that was flushed when its process is killed', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const child = talkingChild(
      new URL('./fixtures/flushes-until-killed.ts', import.meta.url),
      path,
      durability,
    )
    let flushed = 0
    while (flushed < 7 * 20) flushed = Number(await child.hear())
    await child.kill()
    for (let line = await child.hear(); line !== 'undefined'; line = await child.hear())
      flushed = Number(line)

    const records = await readAll(path)
    expect(records.length).toBeGreaterThanOrEqual(flushed)
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index))
  })

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 3, arbitrary: fc.constant({ flush: true }) },
    { weight: 2, arbitrary: fc.constant({ tick: true }) },
    { weight: 2, arbitrary: fc.record({ short: fc.integer({ min: 1, max: 200 }) }) },
    fc.record({ fail: fc.constantFrom('ENOSPC', 'EIO') }),
    { weight: 2, arbitrary: fc.record({ syncFails: fc.constantFrom('ENOSPC', 'EIO') }) },
    fc.record({ truncateFails: fc.constantFrom('EIO', undefined) }),
  )

  test('has each line once and in order, whatever writes and syncs fail, and nothing flushed is ever missing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const files = new FaultyFiles()
        const journal = jsonlJournal('a.jsonl', { durability, files })
        let appended = ''
        let promised = 0
        let seq = 0
        const flushes: Promise<void>[] = []
        const flush = (): void => {
          const end = appended.length
          const keepPromise = (): void => {
            promised = Math.max(promised, end)
          }
          flushes.push(
            journal.flush().then(keepPromise, (error: unknown) => {
              expect(error).toMatchObject({ code: 'JOURNAL_FAILED', data: { path: 'a.jsonl' } })
            }),
          )
        }
        for (const step of steps) {
          if ('append' in step) {
            for (let end = seq + step.append; seq < end; seq++) {
              journal.append(lineOf(seq))
              appended += `${lineOf(seq)}\n`
            }
          }
          if ('flush' in step) flush()
          if ('tick' in step) await new Promise((resolve) => setImmediate(resolve))
          if ('short' in step) files.appends.push(step.short)
          if ('fail' in step) files.appends.push(step.fail)
          if ('syncFails' in step && durability === 'disk') files.syncs.push(step.syncFails)
          if ('truncateFails' in step) files.truncateFails = step.truncateFails

          expect(appended.startsWith(files.content)).toBe(true)
          const safe = durability === 'disk' ? files.durable : files.content
          expect(safe.startsWith(appended.slice(0, promised))).toBe(true)
        }
        await Promise.all(flushes)
        files.appends = []
        files.syncs = []
        files.truncateFails = undefined
        await journal.flush()

        expect(files.content).toBe(appended)
        if (durability === 'disk') expect(files.durable).toBe(appended)
        await journal.close()
        expect(files.content).toBe(appended)
      }),
      { numRuns: 500 },
    )
  })
})

test('a journal of class buffered loses at SIGKILL what came after its last window and its last 64 KiB, no more', async () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  const script = new URL('./fixtures/dies-in-window.ts', import.meta.url)
  expect(await runScript(script, { args: [path] })).toMatchObject({ signal: 'SIGKILL', stderr: '' })

  const records = await readAll(path)
  const bytesOfLine = lineOf(100, 'x'.repeat(1000)).length
  expect(records.length).toBeGreaterThan(10)
  expect((210 - records.length) * bytesOfLine).toBeLessThan(64 * 1024)
})
