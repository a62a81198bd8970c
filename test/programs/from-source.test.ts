import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ROOT } from './fixtures/build-package.ts'
import { linesOf, turnsOf } from './fixtures/printed.ts'
import { Running, type Finished } from './fixtures/running.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-from-source-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function runToEnd(command: string, ...args: string[]): Promise<Finished> {
  const running = new Running(command, args)
  running.endInput()
  return running.finished
}

const runExample = (name: string, journal: string): Promise<Finished> =>
  runToEnd(process.execPath, '--import', 'tsx', join(ROOT, 'programs/examples', name), journal)

describe.concurrent('programs that run from their source', () => {
  test('npm run -s chat prints nothing but the turn', async () => {
    const dirs = ['--sessions-dir', join(folder, 'sessions'), '--log-dir', join(folder, 'logs')]
    const finished = await runToEnd('npm', 'run', '-s', 'chat', '--', ...dirs, '--prompt', '24*7?', '--json')
    expect(finished.code).toBe(0)
    expect(turnsOf(finished)).toMatchObject([{ status: 'ok', reply: '24*7 = 168.' }])
  })

  test('examples/embed.ts answers from its tool, then streams', async () => {
    const journal = join(folder, 'embed.jsonl')
    const { code, stdout, stderr } = await runExample('embed.ts', journal)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/Paris: 18 °C, sunny/)
    expect(stdout).toMatch(/name: 'get_weather'/)
    expect(stdout).toMatch(/Rome: 18 °C, sunny[^\n]*\n?$/)
    const recorded = linesOf(readFileSync(journal, 'utf8'))
    expect(recorded[0]).toMatch(/^\{"v":1,"seq":0,.*"type":"busline\.journal"/)
    const finished = recorded.filter((line) => line.includes('"kind":"event","type":"chat.turnFinished"'))
    expect(finished).toHaveLength(2)
  })

  test('examples/custom-handlers.ts greets, and each message is a line of its journal', async () => {
    const journal = join(folder, 'custom.jsonl')
    const { code, stdout, stderr } = await runExample('custom-handlers.ts', journal)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(linesOf(stdout).toSorted()).toEqual([
      'Ada was greeted',
      'Hello, Ada!',
      expect.stringMatching(/^people\.greet took [\d.]+ ms$/),
      expect.stringMatching(/^people\.greeted took [\d.]+ ms$/),
    ])
    const recorded = linesOf(readFileSync(journal, 'utf8'))
    expect(recorded.map((line) => /"kind":"\w+","type":"[^"]+"/.exec(line)?.[0])).toEqual([
      '"kind":"header","type":"busline.journal"',
      '"kind":"command","type":"people.greet"',
      '"kind":"event","type":"people.greeted"',
      '"kind":"result","type":"people.greet"',
    ])
  })
})
