import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, scriptedProvider } from 'busline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { tail } from '../../programs/busline/tail.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-tail-'))
const path = join(folder, 'run.jsonl')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  await using app = createApp({ provider: scriptedProvider(['One.', 'Two.']), journal: path })
  await app.chat('s1').send('Eins?')
  await app.chat('s2').send('Zwei?')
})

const Row = z.strictObject({
  line: z.number(),
  time: z.number(),
  kind: z.string(),
  type: z.string(),
  id: z.string().nullable(),
  session: z.string().nullable(),
  turn: z.string().nullable(),
  cause: z.string().nullable(),
  ms: z.number().nullable(),
  status: z.string().nullable(),
  by: z.string().nullable(),
  excerpt: z.string(),
})

async function rowsOf(...argv: string[]): Promise<z.output<typeof Row>[]> {
  const { code, stdout, stderr } = await runCommand(tail, [path, '--no-follow', '--json', ...argv])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
}

test('the last messages are printed, ten unless asked otherwise', async () => {
  const all = await rowsOf('-n', '1000')

  expect(all.map(({ line }) => line)).toEqual(all.map((_, index) => index + 1))
  expect(await rowsOf()).toEqual(all.slice(-10))
  expect(await rowsOf('-n', '3')).toEqual(all.slice(-3))
  expect(await rowsOf('--lines=0')).toEqual([])
  expect(await rowsOf('-n', '20000')).toEqual(all)
})

test('a big value is shown by its beginning, and not looked for', async () => {
  const big = join(folder, 'big.jsonl')
  {
    await using app = createApp({
      provider: scriptedProvider([`Long ${'word '.repeat(4000)}`]),
      journal: big,
    })
    await app.chat('s1').send('Eins?')
  }
  rmSync(big.replace('.jsonl', '.blobs'), { recursive: true })
  const { code, stdout } = await runCommand(tail, [big, '--no-follow', '-n', '1000'])

  expect(code).toBe(0)
  expect(stdout).toMatch(/Long word word/)
  expect(stdout).not.toMatch(/sha256-[0-9a-f]{64}.*preview|\$blob/)
})

test('a type, a pattern and a session are chosen, and -n counts those', async () => {
  const all = await rowsOf('-n', '1000')

  expect(await rowsOf('-n', '2', '--type', 'model.call')).toEqual(
    all.filter(({ type }) => type === 'model.call').slice(-2),
  )
  expect(await rowsOf('-n', '1000', '--type', 'session.*', '--session', 's1')).toEqual(
    all.filter(({ type, session }) => type.startsWith('session.') && session === 's1'),
  )
})

test('it follows what is written until Ctrl-C', async () => {
  const stop = new AbortController()
  const running = runCommand(tail, [path, '-n', '1', '--json'], { signal: stop.signal })
  const seq = (await rowsOf('-n', '1'))[0]?.line ?? 0
  const line = {
    seq,
    time: 1,
    kind: 'event',
    type: 'x.came',
    id: 'x',
    root: 'x',
    data: { text: 'late\u001b[31m' },
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  setTimeout(() => stop.abort(), 700)
  const { stdout } = await running

  expect(linesOf(stdout).map((one) => Row.parse(JSON.parse(one)).line)).toContain(seq + 1)
  expect(stdout).not.toContain('\u001b')
})

test.each([[['--type', '*']], [['--type', 'a*']], [['-n', 'many']], [['a.jsonl', 'b.jsonl']], [['-']]])(
  '%j is a usage error',
  async (argv) => {
    const { code, stdout, stderr } = await runCommand(tail, argv[0] === '-' ? argv : [path, ...argv])

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  },
)
