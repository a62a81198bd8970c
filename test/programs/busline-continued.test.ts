import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, defineTool, OpenSession, scriptedProvider, Session } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { countTurns } from '../../programs/busline/count-turns.ts'
import { runs } from '../../programs/busline/runs.ts'
import { show } from '../../programs/busline/show.ts'
import { stats } from '../../programs/busline/stats.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-continued-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A run whose process died in its second turn, and the same file with what another process did then. */
const killed = join(folder, 'killed.jsonl')
const continued = join(folder, 'continued.jsonl')
const large = join(folder, 'large.jsonl')

const Turn = z.looseObject({ text: z.string(), status: z.string(), resumed: z.boolean() })

/** The turns that are shown, each by how it ended; `…` before one that goes on. */
async function shown(...argv: string[]): Promise<string[]> {
  const { code, stdout } = await runCommand(show, [...argv, '--json'])
  expect(code).toBe(0)
  return linesOf(stdout).map((line) => {
    const { text, resumed, status } = Turn.parse(JSON.parse(line))
    return `${resumed ? '…' : text} ${status}`
  })
}

async function stateOf(name: string, ...argv: string[]): Promise<unknown> {
  const { stdout } = await runCommand(runs, [folder, '--json', ...argv])
  const row = linesOf(stdout).find((line) => line.includes(`"name":"${name}"`)) ?? ''
  return z.looseObject({ state: z.string(), turns: z.number().nullable() }).parse(JSON.parse(row))
}

beforeAll(async () => {
  const lookUp = defineTool({
    name: 'look_up',
    description: 'Looks up.',
    parameters: z.object({}),
    run: () => 'there',
  })
  const provider = scriptedProvider(['Hello.', { toolCalls: [{ name: 'look_up', arguments: {} }] }, 'Found.'])
  const first = createApp({ provider, tools: [lookUp], journal: killed })
  await first.chat('s1').send('First?')
  await first.chat('s1').send('Second?')
  await first.stop()
  const lines = readFileSync(killed, 'utf8').trim().split('\n')
  const until = lines.findIndex((line) => line.includes('"kind":"command","type":"tool.call"')) + 1
  const turn = /"turn":"([^"]+)"/.exec(lines[until - 1] ?? '')?.[1] ?? ''
  writeFileSync(killed, `${lines.slice(0, until).join('\n')}\n`)
  writeFileSync(continued, readFileSync(killed))

  const second = createApp({ provider: scriptedProvider(['Found now.', 'Bye.']), journal: continued })
  second.bus.use(
    async (_message, next) => ({
      ...Session.parse(await next()),
      messages: [{ id: `${turn}/0`, turn, role: 'user', content: 'Second?' }],
      openTurn: turn,
    }),
    { for: [OpenSession] },
  )
  await second.chat('s1').resume()
  await second.chat('s1').send('Third?')
  await second.stop()

  const [header = '', ...body] = readFileSync(continued, 'utf8').trim().split('\n')
  const once = body.filter((line) => line.includes(`"turn":"${turn.replace(/-2$/, '-1')}"`))
  let seq = 0
  const numbered = (line: string): string => line.replace(/"seq":\d+/, () => `"seq":${++seq}`)
  const copies = Array.from({ length: 1000 }, (_, copy) =>
    once.map((line) => numbered(line.replaceAll(/"(\w+)-(\d+)/g, `"$1-${copy}x$2`))),
  )
  writeFileSync(large, [header, ...copies.flat(), ...body.map(numbered), ''].join('\n'))
})

describe('a turn that another process goes on with in the same journal', () => {
  test.each([[continued], [large]])(
    'stands where it was interrupted and where it went on: %s',
    async (path) => {
      const all = ['First? ok', 'Second? interrupted', '… ok', 'Third? ok']
      expect((await shown(path)).slice(-4)).toEqual(all)
      expect(await shown(path, '-n', '1')).toEqual(['Third? ok'])
      expect(await shown(path, '--turn=-1')).toEqual(['Third? ok'])
      expect(await shown(path, '-n', '2')).toEqual(all.slice(1))
      expect(await shown(path, '--turn=-2')).toEqual(all.slice(1, 3))
    },
  )

  test('is one of the turns that came before, of a small file and of a large one', async () => {
    expect((await runCommand(show, [continued, '-n', '1'])).stdout).toContain('… 2 turns came before')
    expect((await runCommand(show, [large, '-n', '1'])).stdout).toContain('… 1002 turns came before')
    expect(countTurns([large])).toBe(1003)
  })

  test('is one turn in counts, with what both parts took', async () => {
    expect(await stateOf('continued')).toMatchObject({ state: 'ended', turns: 3 })
    const { stdout } = await runCommand(stats, [continued, '--by', 'turn', '--json'])
    const rows = linesOf(stdout).map((line): unknown => JSON.parse(line))
    expect(rows).toMatchObject([
      { status: 'ok', modelCalls: 1 },
      { status: 'ok', modelCalls: 2, toolCalls: 1, steps: 2 },
      { status: 'ok', modelCalls: 1 },
    ])
    const whole = await runCommand(stats, [continued])
    expect(whole.stdout).toMatch(/^ {2}turns {3}3 {2}ok 3 /m)
  })
})

describe('a run whose process was killed', () => {
  test('is interrupted in the list of runs, from its end alone as well', async () => {
    expect(await stateOf('killed')).toMatchObject({ state: 'interrupted', turns: 2 })
    const text = readFileSync(large, 'utf8')
    const end = text.lastIndexOf('"kind":"command","type":"tool.call"')
    writeFileSync(join(folder, 'large-killed.jsonl'), text.slice(0, text.indexOf('\n', end) + 1))
    expect(await stateOf('large-killed')).toMatchObject({ state: 'interrupted', turns: null })
    expect(await stateOf('large-killed', '--full')).toMatchObject({ state: 'interrupted' })
    expect(await stateOf('large')).toMatchObject({ state: 'ended', turns: null })
  })
})
