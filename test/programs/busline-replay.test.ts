import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineCommand, jsonlJournal, MessageBus } from 'busline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { replay } from '../../programs/busline/replay.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-replay-'))
const run = join(folder, 'run.jsonl')
const apps = join(folder, 'apps.mjs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  const Ask = defineCommand('clock.ask', { input: z.object({}), output: z.string() })
  writeFileSync(
    apps,
    `const type = 'clock.ask'
const answering = (answer) => (bus) => void bus.attach((bus) => {
  const Ask = globalThis.defineAsk()
  bus.handle(Ask, answer)
})
export const quiet = answering(() => 'it is late')
export const reads = answering(() => (Date.now() > 0 ? 'it is late' : 'it is early'))
export const fails = answering(() => { throw new TypeError('x is undefined') })
export const other = answering(() => (Date.now() > 0 ? 'it is noon' : 'it is early'))
`,
  )
  Object.assign(globalThis, { defineAsk: () => Ask })
  const bus = new MessageBus({ journal: jsonlJournal(run) })
  bus.handle(Ask, () => 'it is late')
  await bus.execute(Ask, {})
  await bus.stop()
})

const replayed = (app: string, ...argv: string[]): Promise<Ran> =>
  runCommand(replay, [run, '--app', `${apps}#${app}`, ...argv])

test('a use of the world is told, and ends a replay with 1 only where that was asked for', async () => {
  const told = await replayed('reads')
  expect(told).toMatchObject({ code: 0, stderr: '' })
  expect(told.stdout).toContain('clock.ask uses Date.now at')
  expect(await replayed('reads', '--strict-guard')).toEqual({ ...told, code: 1 })
  expect(await replayed('quiet', '--strict-guard')).toMatchObject({ code: 0 })
})

test('what differs ends a replay with 5, whatever the guard found', async () => {
  expect(await replayed('other', '--strict-guard')).toMatchObject({ code: 5 })
})

test('what fails now is told with its error, for people and for programs', async () => {
  const { stdout } = await replayed('fails')
  expect(stdout).toContain('recorded  "ok"\n  replayed  "error"  HANDLER_FAILED TypeError: x is undefined\n')
  const [first] = JSON.parse((await replayed('fails', '--json')).stdout).divergences
  expect(first).toMatchObject({
    path: 'status',
    recordedError: null,
    replayedError: { code: 'HANDLER_FAILED', name: 'TypeError', message: 'x is undefined' },
  })
})

test('a guard can not be left out and strict', async () => {
  const { code, stdout, stderr } = await replayed('quiet', '--no-guard', '--strict-guard')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--strict-guard needs the guard: leave --no-guard out.')
})
