import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { recover } from '../../programs/busline/recover.ts'
import { verify } from '../../programs/busline/verify.ts'
import { recordedRun } from '../journal/fixtures/recorded-run.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const summary = (stdout: string): unknown => JSON.parse(linesOf(stdout).at(-1) ?? '')

test('a run that keeps the rules is 0', async () => {
  const path = await recordedRun(3)

  expect(await runCommand(verify, [path])).toEqual({ code: 0, stdout: 'run: well, 10 lines\n', stderr: '' })
})

test('a broken rule is 1, damage is 3, and of several runs the worse counts', async () => {
  const well = await recordedRun(3)
  const faulty = await recordedRun(3)
  writeFileSync(faulty, readFileSync(faulty, 'utf8').replace('"of":"', '"of":"x'))
  const damaged = await recordedRun(3)
  writeFileSync(damaged, readFileSync(damaged, 'utf8').replace('{"seq":4', '{"seq":'))

  expect(await runCommand(verify, [faulty])).toMatchObject({ code: 1 })
  expect(await runCommand(verify, [damaged])).toMatchObject({ code: 3 })
  expect(await runCommand(verify, [well, damaged, faulty])).toMatchObject({ code: 3 })

  const { stdout } = await runCommand(verify, [damaged, '--json'])
  expect(JSON.parse(linesOf(stdout)[0] ?? '')).toEqual({
    kind: 'finding',
    run: 'run',
    line: 5,
    about: 'not-a-record',
    severity: 'damage',
    message: expect.stringContaining('it is not a line of JSON'),
  })
  expect(summary(stdout)).toMatchObject({ kind: 'run', ok: false, lines: 10, damage: 1, tornBytes: 0 })
})

test('what is damaged is well after busline recover, and the file as it was is named', async () => {
  const path = await recordedRun(3)
  writeFileSync(path, `${readFileSync(path, 'utf8').replace('{"seq":4', '{"seq":')}{"torn`)
  const told = { path, changed: true, records: 9, cutBytes: 6, damagedCount: 1, lost: 1 }
  const dry = await runCommand(recover, [path, '--dry-run', '--json'])
  expect(summary(dry.stdout)).toMatchObject({ ...told, original: null, dryRun: true })
  expect(await runCommand(verify, [path])).toMatchObject({ code: 3 })

  const done = await runCommand(recover, [path, '--json'])
  expect(summary(done.stdout)).toMatchObject({ ...told, original: `${path}.damaged-1`, dryRun: false })
  expect(await runCommand(verify, [path])).toMatchObject({ code: 0, stdout: expect.stringContaining('lost') })
  expect(await runCommand(recover, [path])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('no damage'),
  })
})

test('recover takes one file that is there', async () => {
  expect(await runCommand(recover, [])).toMatchObject({ code: 2, stdout: '' })
  expect(await runCommand(recover, ['/nowhere/run.jsonl'])).toMatchObject({ code: 4, stdout: '' })
})
