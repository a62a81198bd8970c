import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recover } from '../../programs/busline/recover.ts'
import { verify } from '../../programs/busline/verify.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
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
    message: 'It is not a line of JSON.',
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

function fileOf(bytes: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'other.jsonl')
  writeFileSync(path, bytes)
  return path
}

test.each([
  [
    'a file of another kind',
    Buffer.from(Array.from({ length: 3000 }, (_, n) => (n * 7) % 256)),
    /of its \d+ lines none is a record/,
  ],
  ['an empty file', '', /it has no line/],
  ['a file without a newline', '{"a":1}', /it has no line/],
])(
  '%s is no journal: verify says so once, recover leaves it alone, and both end with 3',
  async (_, bytes, why) => {
    const path = fileOf(bytes)
    const { code, stdout } = await runCommand(verify, [path])
    expect(code).toBe(3)
    expect(stdout).toMatch(why)
    expect(stdout.match(/This is no journal/g)).toHaveLength(1)
    expect(stdout).not.toContain('line of JSON')
    expect(summary((await runCommand(verify, [path, '--json'])).stdout)).toMatchObject({
      ok: false,
      damage: 1,
      faults: 0,
    })

    expect(await runCommand(recover, [path])).toEqual({
      code: 3,
      stdout: '',
      stderr: `${path} is no journal: it holds no record. It stays as it is.\n`,
    })
    expect(readFileSync(path)).toEqual(Buffer.from(bytes))
  },
)

test('of many findings of a kind the first five are shown, and how many more there are', async () => {
  const path = await recordedRun(3)
  writeFileSync(path, `${readFileSync(path, 'utf8')}${'junk\n'.repeat(40)}`)
  const { stdout } = await runCommand(verify, [path])
  expect(stdout.match(/It is not a line of JSON\./g)).toHaveLength(5)
  expect(stdout).toContain('… and 35 more not-a-record\n')

  const { stderr } = await runCommand(recover, [path, '--dry-run'])
  expect(stderr).toContain('would keep 10 lines, 0 lost.\n')
  expect(stderr.match(/Line \d+: 4 bytes, no record\./g)).toHaveLength(5)
  expect(stderr).toContain('… and 35 more that are no record.\n')
})

test('recover tells which lines of another run it set aside', async () => {
  const [path, other] = [await recordedRun(1), await recordedRun(2)]
  const { data } = JSON.parse(linesOf(readFileSync(other, 'utf8'))[0] ?? '')
  writeFileSync(path, `${readFileSync(path, 'utf8')}${readFileSync(other, 'utf8')}`)
  expect(await runCommand(recover, [path])).toEqual({
    code: 0,
    stdout: '',
    stderr: `${path}: kept 4 lines, 7 set aside, 0 lost.
  Lines 5 to 11: 7 records of another run, ${data.run}.
  The file as it was: ${path}.damaged-1
`,
  })
  expect(await runCommand(verify, [path])).toMatchObject({ code: 0 })
})

test('recover ends with 1 when the run still breaks a rule, and names who tells which', async () => {
  const path = await recordedRun(1)
  const lines = linesOf(readFileSync(path, 'utf8'))
  const first = { seq: 0, time: 1, kind: 'event', type: 'a.b', id: 'x-1', root: 'x-1' }
  writeFileSync(path, [JSON.stringify(first), ...lines.slice(1), '{"torn'].join('\n'))
  const ran = await runCommand(recover, [path])
  expect(ran).toMatchObject({ code: 1 })
  expect(ran.stderr).toContain(
    `It can be read, and has 1 fault that no recovery mends: busline verify ${path}\n`,
  )
  expect(await runCommand(verify, [path])).toMatchObject({ code: 1 })
  expect(summary((await runCommand(recover, [path, '--json'])).stdout)).toMatchObject({
    changed: false,
    faults: 1,
  })
})
