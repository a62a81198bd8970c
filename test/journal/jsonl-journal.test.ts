import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineCommand, jsonlJournal, MessageBus, type JournalRecord } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { BUSLINE_VERSION } from '../../src/bus/version.ts'
import { Carried, Carry, Greet, Greeted, Pay, Said } from '../bus/fixtures/greeting.ts'
import { idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { runScript } from '../bus/fixtures/run-script.ts'
import { talkingChild } from '../files/fixtures/talking-child.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { linesOf, readAll } from './fixtures/read-all.ts'

const Turn = defineCommand('a.turn', { input: z.object({}), output: z.string(), startsTurn: true })

/** A run with every kind of line. */
async function playOn(path: string, now: () => number): Promise<void> {
  await using bus = new MessageBus({ journal: jsonlJournal(path), now, newId: () => 'run' })
  bus.handle(Turn, async function takeTurn(_, scope) {
    scope.publish(Said, { text: 'Hel' })
    scope.publish(Said, { text: 'lo' })
    await rejection(scope.execute(Greet, { name: 'Ada' }))
    return 'done'
  })
  bus.handle(Greet, () => {
    throw Object.assign(new Error('no voice'), { code: 'EVOICE' })
  })
  bus.on(Greeted, () => undefined, { name: 'listener' })()
  await bus.session('s1').execute(Turn, {})
  bus.publish(Greeted, { name: 'Ada' })
  const off = bus.on(Greeted, () => undefined, { name: 'listener' })
  bus.publish(Greeted, { name: 'Bob' })
  off()
}

describe('a journal file', () => {
  test('holds each message as one line, exactly in the format of version 1', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    await playOn(path, () => 1_700_000_000_000.5)

    const time = '"time":1700000000000.5'
    expect(linesOf(path)).toEqual([
      `{"v":1,"seq":0,${time},"kind":"header","type":"busline.journal","data":{"run":"run","busline":"${BUSLINE_VERSION}","node":"${process.version}","pid":${process.pid}}}`,
      `{"seq":1,${time},"kind":"command","type":"a.turn","id":"run-1","session":"s1","turn":"run-1","root":"run-1","data":{}}`,
      `{"seq":2,${time},"kind":"command","type":"people.greet","id":"run-1.2","session":"s1","turn":"run-1","cause":"run-1","root":"run-1","data":{"name":"Ada"}}`,
      `{"seq":3,${time},"kind":"result","type":"people.greet","of":"run-1.2","session":"s1","turn":"run-1","cause":"run-1","root":"run-1","ms":0,"status":"error","error":{"code":"EVOICE","name":"Error","message":"no voice"}}`,
      `{"seq":4,${time},"kind":"event","type":"people.said","id":"run-1.1","session":"s1","turn":"run-1","cause":"run-1","root":"run-1","data":{"deltas":[[0,"Hel"],[0,"lo"]]}}`,
      `{"seq":5,${time},"kind":"result","type":"a.turn","of":"run-1","session":"s1","turn":"run-1","root":"run-1","ms":0,"status":"ok","by":"takeTurn","output":"done"}`,
      `{"seq":6,${time},"kind":"event","type":"people.greeted","id":"run-2","root":"run-2","data":{"name":"Ada"}}`,
      `{"seq":7,${time},"kind":"event","type":"people.greeted","id":"run-3","root":"run-3","data":{"name":"Bob"}}`,
      `{"seq":8,${time},"kind":"note","type":"bus.discarded","cause":"run-3","root":"run-3","data":{"event":"run-3","subscriber":"listener"}}`,
    ])
  })

  test('is byte for byte the same after two runs with the same clock and ids', async () => {
    const folder = temporaryFolder()
    for (const name of ['a.jsonl', 'b.jsonl']) {
      let time = 1_700_000_000_000
      await playOn(join(folder, name), () => (time += 0.5))
    }

    expect(readFileSync(join(folder, 'b.jsonl'))).toEqual(readFileSync(join(folder, 'a.jsonl')))
  })

  test('comes back from reading exactly as it was written, whatever JSON the messages hold', async () => {
    const folder = temporaryFolder()
    let file = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 20 }), async (values) => {
        const path = join(folder, `${++file}.jsonl`)
        const tapped: JournalRecord[] = []
        const bus = new MessageBus({ journal: jsonlJournal(path) })
        bus.tap((record) => tapped.push(record))
        bus.handle(Carry, (input) => input)
        for (const value of values) {
          bus.publish(Carried, value)
          await bus.execute(Carry, value)
        }
        await bus.stop()

        const [header, ...records] = await readAll(path)
        expect(header?.kind).toBe('header')
        expect(records).toStrictEqual(tapped)
        const written = records.map((record) => ('data' in record ? record.data : record.output))
        // JSON writes minus zero as 0.
        const expected: unknown[] = JSON.parse(JSON.stringify(values))
        expect(written).toStrictEqual(expected.flatMap((value) => [value, value, value]))
      }),
      { numRuns: 50 },
    )
  })

  test('is for its user only, and so are the folders that were made for it', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'logs', 'today', 'a.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    await bus.stop()

    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'logs')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'logs', 'today')).mode & 0o777).toBe(0o700)
  })

  test('stands alone in its folder once the bus has stopped', async () => {
    const folder = temporaryFolder()
    await new MessageBus({ journal: jsonlJournal(join(folder, 'a.jsonl')) }).stop()

    expect(readdirSync(folder)).toEqual(['a.jsonl'])
  })

  test('has a line at the end of the tick in which it was recorded, without any flush', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    await using bus = new MessageBus({ journal: jsonlJournal(path) })
    bus.publish(Greeted, { name: 'Ada' })
    await idle(2)

    expect(linesOf(path)).toHaveLength(2)
  })

  test('has what makes 64 KiB at once, within the tick', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    await using bus = new MessageBus({ journal: jsonlJournal(path) })
    for (let n = 0; n < 10; n++) bus.publish(Greeted, { name: 'x'.repeat(7000) })

    expect(linesOf(path)).toHaveLength(11)
  })

  test('leaves no listener on the process and no open file once its bus has stopped', async () => {
    const folder = temporaryFolder()
    const before = [process.listenerCount('exit'), openFiles(folder)]
    for (let n = 0; n < 15; n++)
      await new MessageBus({ journal: jsonlJournal(join(folder, `${n}.jsonl`)) }).stop()

    expect([process.listenerCount('exit'), openFiles(folder)]).toEqual(before)
  })
})

describe('an existing file', () => {
  test('is continued: seq goes on, bus.opened instead of a second header', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    await publishOn(path, 'first', 'Ada')
    const first = readFileSync(path, 'utf8')
    await publishOn(path, 'second', 'Bob')

    expect(readFileSync(path, 'utf8').startsWith(first)).toBe(true)
    const records = await readAll(path)
    expect(records.map(({ seq, kind, type }) => `${seq} ${kind} ${type}`)).toEqual([
      '0 header busline.journal',
      '1 event people.greeted',
      '2 note bus.opened',
      '3 event people.greeted',
    ])
    expect(records[2]?.data).toEqual({
      run: 'second',
      busline: BUSLINE_VERSION,
      node: process.version,
      pid: process.pid,
    })
    expect(records.map(({ id }) => id)).toEqual([undefined, 'first-1', undefined, 'second-1'])
  })

  test('that is empty begins with a header', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    writeFileSync(path, '')
    await publishOn(path, 'run', 'Ada')

    expect((await readAll(path)).map(({ kind }) => kind)).toEqual(['header', 'event'])
  })

  test('is continued after a last line of several chunks', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    await using bus = new MessageBus({ journal: jsonlJournal(path, { blobs: false }) })
    bus.publish(Greeted, { name: 'ü'.repeat(200_000) })
    await bus.stop()
    await publishOn(path, 'second', 'Bob')

    expect((await readAll(path)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
  })

  test('that was cut at any byte of its last line is continued without that line, and says what was cut', async () => {
    const folder = temporaryFolder()
    const whole = join(folder, 'whole.jsonl')
    await publishOn(whole, 'first', 'Ada', 'Zoë 🚌')
    const bytes = readFileSync(whole)
    const lastLine = bytes.lastIndexOf('\n', -2) + 1
    const kept = (await readAll(whole)).slice(0, -1)

    for (let end = lastLine + 1; end < bytes.length; end++) {
      const path = join(folder, `${end}.jsonl`)
      writeFileSync(path, bytes.subarray(0, end))
      const torn: unknown[] = []
      expect(await readAll(path, { onTornTail: (tail) => torn.push(tail) })).toEqual(kept)
      expect(torn).toEqual([{ line: 3, bytes: end - lastLine }])

      await publishOn(path, 'second', 'Bob')
      const records = await readAll(path)
      expect(records.slice(0, 2)).toEqual(kept)
      expect(records.slice(2)).toMatchObject([
        { seq: 2, kind: 'note', type: 'bus.recovered', data: { cutBytes: end - lastLine } },
        { seq: 3, kind: 'note', type: 'bus.opened' },
        { seq: 4, kind: 'event', data: { name: 'Bob' } },
      ])
    }
  })

  test('that ends in its first line begins again, and says what was cut', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    writeFileSync(path, '{"v":1,"seq":0,"time":17')
    await publishOn(path, 'run', 'Ada')

    expect(await readAll(path)).toMatchObject([
      { v: 1, seq: 0, kind: 'header' },
      { seq: 1, type: 'bus.recovered', data: { cutBytes: 24 } },
      { seq: 2, kind: 'event' },
    ])
  })

  test.each(['{', '{"seq":', '{"v":1,"seq":0,"time":17\0\0\0\0', '\0'.repeat(5000)])(
    'whose first line is torn is begun again: %j',
    async (content) => {
      const path = join(temporaryFolder(), 'a.jsonl')
      writeFileSync(path, content)
      await publishOn(path, 'run', 'Ada')

      const records = await readAll(path)
      expect(records).toMatchObject([
        { seq: 0, kind: 'header' },
        { type: 'bus.recovered' },
        { kind: 'event' },
      ])
      expect(records[1]?.data).toEqual({ cutBytes: content.length })
    },
  )

  test.each([
    'not a journal\n',
    '\n',
    '{"seq":"1"}\n',
    '[]\n',
    'null\n',
    'a note of mine',
    '{"name":"x"}',
    '\n\0',
  ])('that ends in %j is no journal: JOURNAL_DAMAGED, untouched, not held', (content) => {
    const folder = temporaryFolder()
    const path = join(folder, 'a.jsonl')
    writeFileSync(path, content)
    const before = openFiles(folder)

    expect(thrownBy(() => jsonlJournal(path))).toMatchObject({ code: 'JOURNAL_DAMAGED', data: { path } })
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(readdirSync(folder)).toEqual(['a.jsonl'])
    expect(openFiles(folder)).toBe(before)
  })
})

describe('one bus, one file:', () => {
  test('a second journal in this process is JOURNAL_IN_USE, until the first is closed', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(path) })

    expect(thrownBy(() => jsonlJournal(path))).toMatchObject({
      code: 'JOURNAL_IN_USE',
      message: expect.stringContaining(`process ${process.pid}`),
      data: { path, pid: process.pid },
    })
    await bus.stop()
    await publishOn(path, 'second', 'Ada')
  })

  test('a journal that another process holds is JOURNAL_IN_USE with its pid; after SIGKILL it is taken over', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const child = talkingChild(new URL('./fixtures/hold-journal.ts', import.meta.url), path)
    expect(await child.hear()).toBe('holding')

    expect(thrownBy(() => jsonlJournal(path))).toMatchObject({
      code: 'JOURNAL_IN_USE',
      data: { pid: child.pid },
    })
    await child.kill()
    await publishOn(path, 'second', 'Ada')
    expect((await readAll(path)).map(({ type }) => type)).toEqual([
      'busline.journal',
      'bus.opened',
      'people.greeted',
    ])
  })
})

describe('a process that ends', () => {
  test('by SIGKILL in the first statement of an effect has everything up to that command in its file', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const ended = await runScript(new URL('./fixtures/dies-in-effect.ts', import.meta.url), { args: [path] })

    expect(ended).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    expect((await readAll(path)).map(({ kind, type, id }) => ({ kind, type, id }))).toEqual([
      { kind: 'header', type: 'busline.journal', id: undefined },
      { kind: 'command', type: 'shop.order', id: 'run-1' },
      { kind: 'event', type: 'shop.ordered', id: 'run-1.1' },
      { kind: 'command', type: 'money.pay', id: 'run-1.2' },
    ])
  })

  test('by process.exit, without stopping its bus, has everything in its file and holds it no more', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const ended = await runScript(new URL('./fixtures/exits-at-once.ts', import.meta.url), { args: [path] })

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(linesOf(path)).toHaveLength(2)
    expect(existsSync(`${path}.lock`)).toBe(false)
  })
})

describe('a file that can not be opened is JOURNAL_FAILED with the reason in words:', () => {
  test('a folder below a regular file', () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const path = join(file, 'logs', 'a.jsonl')

    expect(thrownBy(() => jsonlJournal(path))).toMatchObject({
      code: 'JOURNAL_FAILED',
      message: `The journal ${path} can't be opened: a part of the path is not a folder. Choose a folder that can be written.`,
      data: { path },
      cause: { code: 'ENOTDIR' },
    })
  })

  test('a path that is a folder; its lock is let go', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'a.jsonl'))

    expect(thrownBy(() => jsonlJournal(join(folder, 'a.jsonl')))).toMatchObject({
      code: 'JOURNAL_FAILED',
      message: expect.stringContaining('it is a folder'),
    })
    expect(readdirSync(folder)).toEqual(['a.jsonl'])
  })
})

describe('a file that can not be written', () => {
  test('fails effects before their handler, and nothing else; the last lines are missed loudly', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    symlinkSync('/dev/full', path)
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    let paid = 0
    bus.handle(Pay, () => `${++paid}`)
    bus.handle(Greet, ({ name }) => `hello ${name}`)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject({
      code: 'JOURNAL_FAILED',
      message: `The journal ${path} can't be written: no space is left on the device.`,
      data: { path },
      cause: { code: 'ENOSPC' },
    })
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(await bus.execute(Greet, { name: 'Bob' })).toBe('hello Bob')
    expect(paid).toBe(0)
    expect(await rejection(bus.stop())).toMatchObject({ code: 'JOURNAL_FAILED' })
  })

  test('is let go of also when its last lines are lost', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'a.jsonl')
    symlinkSync('/dev/full', path)
    await rejection(new MessageBus({ journal: jsonlJournal(path) }).stop())

    expect(readdirSync(folder)).toEqual(['a.jsonl'])
  })

  test('loses no byte when the system takes a part of a write, then nothing, then all again', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'a.jsonl')
    const script = fileURLToPath(new URL('./fixtures/outgrows-its-limit.ts', import.meta.url))
    // 16 blocks of 512 bytes: the ten lines of a kilobyte do not fit.
    const out = execFileSync(
      'sh',
      ['-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '--import', 'tsx', script, path],
      {
        encoding: 'utf8',
        env: { ...process.env, TSX_DISABLE_CACHE: '1' },
      },
    )

    expect(out.split('\n')).toEqual(['JOURNAL_FAILED', 'hello', 'JOURNAL_FAILED', 'paid', 'paid', ''])
    const parts = [`${path}.first`, `${path}.second`, path].map((part) => readFileSync(part, 'utf8'))
    expect(parts[0]).toHaveLength(8192)
    writeFileSync(path, parts.join(''))
    const records = await readAll(path)
    expect(records).toHaveLength(1 + 10 + 5 * 2)
    expect(records.slice(1, 11).map(({ data }) => Object(data).n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

test('a journal takes lines from anybody: it is an interface of three functions', async () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  const journal = jsonlJournal(path)
  journal.append('{"seq":0,"time":1,"kind":"header","type":"x"}')
  await journal.flush()
  expect(linesOf(path)).toHaveLength(1)
  await journal.close()
  await journal.close()
  appendFileSync(path, '{"seq":1,"time":1,"kind":"event","type":"y"}\n')

  expect(await readAll(path)).toHaveLength(2)
})

async function publishOn(path: string, run: string, ...names: string[]): Promise<void> {
  await using bus = new MessageBus({ journal: jsonlJournal(path), newId: () => run })
  for (const name of names) bus.publish(Greeted, { name })
}

/** How many files of a folder this process has open. */
function openFiles(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    const target = `/proc/self/fd/${fd}`
    return existsSync(target) && readlinkSync(target).startsWith(folder)
  }).length
}
