import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { verifyJournal, type Finding } from 'busline/journal'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { recordedRun } from './fixtures/recorded-run.ts'

const HEADER = { v: 1, kind: 'header', type: 'busline.journal', data: { run: 'r1' } }
const command = (id: string, more: object = {}): object => ({
  kind: 'command',
  type: 'a.do',
  id,
  root: id,
  ...more,
})
const result = (of: string, more: object = {}): object => ({
  kind: 'result',
  type: 'a.do',
  of,
  root: of,
  ...more,
})

/** A journal of these records, numbered and timed. */
function journalOf(...records: object[]): string {
  const path = join(temporaryFolder(), 'a.jsonl')
  const lines = records.map((record, seq) => `${JSON.stringify({ seq, time: seq, ...record })}\n`)
  writeFileSync(path, lines.join(''))
  return path
}

async function found(path: string): Promise<Pick<Finding, 'line' | 'kind' | 'severity'>[]> {
  const { findings } = await verifyJournal(path)
  return findings.map(({ line, kind, severity }) => ({ line, kind, severity }))
}

test('a journal that a bus wrote keeps every rule', async () => {
  const verified = await verifyJournal(await recordedRun(20))

  expect(verified).toMatchObject({ ok: true, unfinished: 0, tornBytes: 0, findings: [] })
  expect(verified.lines).toBe(61)
  expect(verified.run).toEqual(expect.any(String))
})

test.each<[string, object[], Pick<Finding, 'line' | 'kind'>]>([
  ['no header', [command('a'), result('a')], { line: 1, kind: 'header' }],
  ['a header of another type', [{ ...HEADER, type: 'x' }], { line: 1, kind: 'header' }],
  ['an unknown version', [{ ...HEADER, v: 2 }], { line: 1, kind: 'version' }],
  ['a header in the middle', [HEADER, HEADER], { line: 2, kind: 'header' }],
  ['a command without id', [HEADER, { ...command('a'), id: undefined }], { line: 2, kind: 'id' }],
  [
    'an id that was given before',
    [HEADER, command('a'), result('a'), command('a'), result('a')],
    { line: 4, kind: 'id' },
  ],
  ['a message without root', [HEADER, { kind: 'event', type: 'x', id: 'a' }], { line: 2, kind: 'root' }],
  [
    'a root that is not its own',
    [HEADER, command('a', { root: 'b' }), result('a', { root: 'b' })],
    { line: 2, kind: 'root' },
  ],
  [
    'a root other than that of its cause',
    [HEADER, command('a'), command('b', { cause: 'a' }), result('b'), result('a')],
    { line: 3, kind: 'root' },
  ],
  [
    'a cause that never comes',
    [HEADER, { kind: 'event', type: 'x', id: 'b', cause: 'a', root: 'a' }],
    { line: 2, kind: 'cause' },
  ],
  ['a result of nothing', [HEADER, result('a')], { line: 2, kind: 'result' }],
  [
    'a result before its command',
    [HEADER, result('a'), command('a'), result('a')],
    { line: 2, kind: 'result' },
  ],
  ['two results', [HEADER, command('a'), result('a'), result('a')], { line: 4, kind: 'result' }],
  [
    'a result of another type',
    [HEADER, command('a'), result('a', { type: 'b.do' })],
    { line: 3, kind: 'result' },
  ],
  ['a result that names no command', [HEADER, { kind: 'result', type: 'a.do' }], { line: 2, kind: 'result' }],
  ['data of no version', [HEADER, command('a', { version: 0.5 }), result('a')], { line: 2, kind: 'version' }],
  ['a duration below zero', [HEADER, command('a'), result('a', { ms: -1 })], { line: 3, kind: 'time' }],
])('%s breaks a rule', async (_, records, finding) => {
  const path = journalOf(...records)

  expect(await found(path)).toEqual([{ ...finding, severity: 'fault' }])
  expect(await verifyJournal(path)).toMatchObject({ ok: false, counts: { fault: 1, damage: 0 } })
})

test('a streamed event may be written after what it caused', async () => {
  const early = [HEADER, command('b', { cause: 'a', root: 'a' }), result('b', { root: 'a' })]

  expect(await found(journalOf(...early, { kind: 'event', type: 'x', id: 'a', root: 'a' }))).toEqual([])
  expect(
    await found(journalOf(...early, { kind: 'event', type: 'x', id: 'a', root: 'c', cause: 'b' })),
  ).toContainEqual({ line: 2, kind: 'root', severity: 'fault' })
})

test('an unfinished command, a torn tail and a clock that goes back are told, and are no fault', async () => {
  const path = journalOf(HEADER, command('a', { time: 9 }), { kind: 'note', type: 'bus.x' })
  appendFileSync(path, '{"seq":3')
  const verified = await verifyJournal(path)

  expect(verified).toMatchObject({ ok: true, unfinished: 1, tornBytes: 8, counts: { note: 3 } })
  expect(verified.findings.map(({ line, kind }) => `${line} ${kind}`)).toEqual([
    '2 unfinished',
    '3 clock',
    '4 torn-tail',
  ])
})

test('damage is told line by line, and what stands behind it is still looked at', async () => {
  const path = await recordedRun(4)
  const lines = readFileSync(path, 'utf8').split('\n')
  lines[2] = 'nonsense'
  lines[6] = '{"seq":6,"time":1,"kind":"event","type":"x","data":}'
  lines.splice(9, 1)
  writeFileSync(path, lines.join('\n'))

  expect((await found(path)).filter(({ severity }) => severity !== 'note')).toEqual([
    { line: 3, kind: 'not-a-record', severity: 'damage' },
    { line: 7, kind: 'not-a-record', severity: 'damage' },
    { line: 10, kind: 'seq', severity: 'damage' },
  ])
})

test('behind a torn segment and an overlong line what comes is still looked at', async () => {
  const path = journalOf(HEADER, command('a'), result('a'))
  const segment = path.replace('.jsonl', '.00001.jsonl')
  renameSync(path, segment)
  appendFileSync(segment, '{"seq":3,"ti')
  const next = [
    { ...HEADER, seq: 4, data: { run: 'r1', segment: 2 } },
    { seq: 5, ...command('b'), root: 'c' },
  ]
  writeFileSync(path, next.map((record) => `${JSON.stringify({ time: 9, ...record })}\n`).join(''))

  expect((await verifyJournal(path)).lines).toBe(6)
  expect(await found(path)).toEqual([
    { line: 4, kind: 'not-a-record', severity: 'damage' },
    { line: 6, kind: 'root', severity: 'fault' },
    { line: 6, kind: 'unfinished', severity: 'note' },
  ])

  const overlong = async function* () {
    yield readFileSync(segment).subarray(0, -12)
    const piece = Buffer.alloc(16 * 1024 * 1024, 'x')
    for (let n = 0; n < 17; n++) yield piece
    yield Buffer.from('\n')
    yield readFileSync(path)
  }
  expect((await verifyJournal(overlong())).findings.map(({ line, kind }) => [line, kind])).toEqual([
    [4, 'not-a-record'],
    [6, 'root'],
    [6, 'unfinished'],
  ])
})

test('a signal ends it with its reason', async () => {
  const path = await recordedRun(3)
  const reason = new Error('enough')

  expect(await rejection(verifyJournal(path, { signal: AbortSignal.abort(reason) }))).toBe(reason)
})

test('a long chain of causes takes time by its length', async () => {
  const records: object[] = [HEADER]
  let id = 'a-1'
  for (let depth = 0; depth < 3000; depth++) {
    records.push({ kind: 'event', type: 'x', id, root: 'a-1', ...(depth > 0 && { cause: id.slice(0, -2) }) })
    id += '.1'
  }
  const path = journalOf(...records)
  const begin = performance.now()

  expect(await found(path)).toEqual([])
  expect(performance.now() - begin).toBeLessThan(3000)
})

test('a big value that is missing or changed breaks a rule', async () => {
  const $blob = `sha256-${'0'.repeat(64)}`
  const reference = { $blob, bytes: 9, preview: 'x' }

  expect(await found(journalOf(HEADER, command('a', { data: { text: reference } }), result('a')))).toEqual([
    { line: 2, kind: 'blob', severity: 'fault' },
  ])
})

test('a part of a run is not blamed for what it refers to, a whole one from a pipe is', async () => {
  const bytes = readFileSync(await recordedRun(4))
  const half = bytes.subarray(bytes.indexOf('{"seq":3'))
  const headless = Buffer.concat([
    bytes.subarray(0, bytes.indexOf('{"seq":1')),
    Buffer.from(bytes.subarray(bytes.indexOf('{"seq":2'))),
  ])
  const verified = async (text: Buffer) => {
    const { counts } = await verifyJournal(Readable.from([text]))
    return counts
  }

  expect(await verified(half)).toMatchObject({ damage: 0, fault: 0 })
  expect(await verified(bytes)).toEqual({ damage: 0, fault: 0, note: 0 })
  expect(await verified(headless)).toMatchObject({ damage: 1 })
  expect(await verified(Buffer.from(bytes.toString().replace('"of":"', '"of":"x')))).toMatchObject({
    fault: 1,
  })
})

test('an empty file is no journal; one that is missing is FILE_FAILED', async () => {
  expect(await found(journalOf())).toEqual([{ line: 1, kind: 'not-a-record', severity: 'damage' }])
  expect(await rejection(verifyJournal('/nowhere/a.jsonl'))).toMatchObject({ code: 'FILE_FAILED' })
})

test('findings beyond a thousand are counted and not kept', async () => {
  const verified = await verifyJournal(journalOf(HEADER, ...Array.from({ length: 1500 }, () => result('a'))))

  expect(verified.counts.fault).toBe(1500)
  expect(verified.findings).toHaveLength(1000)
})
