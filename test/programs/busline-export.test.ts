import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportCommand } from '../../programs/busline/export.ts'
import { readCsv } from '../export/fixtures/read-csv.ts'
import { checkedTrace } from '../export/fixtures/trace-check.ts'
import { weather } from '../golden/apps.ts'
import { cancelledTurn } from '../golden/broken-turns.ts'
import { twoSessions } from '../golden/meeting-turns.ts'
import { oneTool } from '../golden/single-turns.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-export-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string) => join(folder, name)
const [talk, two, broken] = [file('talk.jsonl'), file('two.jsonl'), file('broken.jsonl')]

beforeAll(async () => {
  for (const [path, run] of [
    [talk, oneTool],
    [two, twoSessions],
    [broken, cancelledTurn],
  ] as const)
    writeFileSync(path, (await run.play()).map((line) => `${line}\n`).join(''))
})

function exported(...args: string[]): Promise<Ran> {
  return runCommand(exportCommand, args)
}

const namesIn = ({ stdout }: Ran, column: string) => {
  const [header = [], ...rows] = readCsv(stdout)
  return rows.map((row) => row[header.indexOf(column)])
}

describe('busline export', () => {
  test('writes Markdown to stdout unless asked otherwise', async () => {
    const ran = await exported(talk)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^# Run `/)
    expect((await exported(talk, '--format', 'md')).stdout).toBe(ran.stdout)
  })

  test('writes to a file for its owner alone, and nothing to stdout', async () => {
    const out = file('trace.json')
    expect(await exported(talk, '--format', 'perfetto', '--out', out)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    checkedTrace(readFileSync(out, 'utf8'))
  })

  test.each(['markdown', 'csv', 'openai'])('writes over no file that is there, as %s', async (format) => {
    const [own, other, segment] = [talk, file('note.txt'), file('rotated.00001.jsonl')]
    writeFileSync(other, 'Mine.')
    writeFileSync(segment, readFileSync(talk))
    for (const out of [own, two, other, segment]) {
      const before = readFileSync(out, 'utf8')
      expect(await exported(talk, '--format', format, '--out', out)).toEqual({
        code: 4,
        stdout: '',
        stderr: `The file ${out} can't be written: there is one already, which is not written over. Name another with --out, or delete that one first.\n`,
      })
      expect(readFileSync(out, 'utf8')).toBe(before)
    }
  })

  test('leaves no file behind of a run that it can not read', async () => {
    const [damaged, out] = [file('damaged.jsonl'), file('never.csv')]
    writeFileSync(damaged, 'nothing\n')
    expect(await exported(damaged, '--format', 'openai', '--out', out)).toMatchObject({ code: 3 })
    expect(existsSync(out)).toBe(false)
  })

  test('writes to what is no file, such as a device', async () => {
    expect(await exported(talk, '--out', '/dev/null')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('says of a file of tools that is not there what is wrong with it', async () => {
    const tools = file('nope.json')
    expect(await exported(talk, '--format', 'openai', '--tools', tools)).toMatchObject({
      code: 4,
      stderr: `The tools of ${tools} can't be read: it does not exist.\n`,
    })
  })

  test('takes a session by the beginning of its id, and a turn by its number in it', async () => {
    const table = ['--format', 'csv', '--table', 'turns'] as const
    expect(namesIn(await exported(two, ...table, '--session', 'a'), 'session')).toEqual(['ada'])
    expect(namesIn(await exported(two, ...table, '--session', 'bob', '--turn', '1'), 'user')).toEqual([
      'Hello.',
    ])
    expect(namesIn(await exported(talk, ...table, '--turn', '2'), 'user')).toEqual(['Thanks.'])
  })

  test.each([
    [['--session', 'zoe'], /no session zoe/],
    [['--turn', '9'], /no turn 9; it has 2/],
    [['--turn', 'm'], /beginning of 2 turns/],
  ])('refuses %j with exit code 2 and says why', async (args, why) => {
    const ran = await exported(talk, ...args)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(why)
  })

  test.each([
    [['--format', 'pdf'], /pdf is none of markdown, csv/],
    [['--format', 'csv', '--json'], /--json says nothing here/],
    [['--format', 'csv', '--table', 'spans'], /--table is records, calls, turns/],
    [['--table', 'calls'], /--table is for --format csv/],
    [['--format', 'csv', '--failed'], /--failed is for --format openai/],
    [['--endpoint', 'http://localhost'], /--endpoint is for --format otlp/],
    [['--out', ''], /--out must not be empty/],
    [['two.jsonl'], /takes one run/],
  ])('refuses %j, which says nothing, with exit code 2', async (args, why) => {
    const ran = await exported(talk, ...args)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(why)
  })

  test('tells what a training file lacks, and what was left out of it', async () => {
    const bare = await exported(talk, '--format', 'openai')
    expect(bare.stderr).toMatch(/names of tools only \(get_weather\): give what they take with --tools FILE/)
    const left = await exported(broken, '--format', 'openai')
    expect(left.stderr).toMatch(/^Left out turn \S+ of session s1: it ended with cancelled\.$/m)
    expect(linesOf(left.stdout)).toHaveLength(1)
  })

  test('takes tools from a file, bare or as servers take them, and says what is wrong with one', async () => {
    const { name, description, parameters } = weather
    const tool = { name, description, parameters }
    for (const given of [tool, { type: 'function', function: tool }]) {
      writeFileSync(file('tools.json'), JSON.stringify([given]))
      const ran = await exported(talk, '--format', 'openai', '--tools', file('tools.json'))
      expect(ran).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(ran.stdout).tools).toEqual([{ type: 'function', function: tool }])
    }
    writeFileSync(file('tools.json'), '[{"name":1}]')
    const wrong = await exported(talk, '--format', 'openai', '--tools', file('tools.json'))
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toContain('[0].name')
    expect(await exported(talk, '--format', 'openai', '--tools', file('none.json'))).toMatchObject({
      code: 4,
    })
  })

  test('ends with exit code 3 at a damaged line, what stands before it written, a trace whole', async () => {
    const damaged = file('damaged.jsonl')
    const lines = linesOf(readFileSync(talk, 'utf8'))
    writeFileSync(
      damaged,
      [...lines.slice(0, 12), '{"seq":', ...lines.slice(13)].map((line) => `${line}\n`).join(''),
    )
    const ran = await exported(damaged, '--format', 'perfetto')
    expect(ran).toMatchObject({ code: 3 })
    expect(ran.stderr).toMatch(/Line 13\b/)
    expect(checkedTrace(ran.stdout).some(({ args }) => args?.['status'] === 'interrupted')).toBe(true)
  })

  test('says what keeps a file from being written, with exit code 4', async () => {
    const ran = await exported(talk, '--out', file('no/such/folder.md'))
    expect(ran).toMatchObject({ code: 4, stdout: '' })
    expect(ran.stderr).toMatch(/can't be written: ENOENT/)
    expect(existsSync(file('no'))).toBe(false)
  })

  test('gives the spans of one session to OpenTelemetry', async () => {
    const ran = await exported(two, '--format', 'otlp', '--session', 'bob')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).not.toContain('get_weather')
    expect(linesOf(ran.stdout).length).toBeGreaterThan(0)
  })

  test('tells how it is used', async () => {
    const { stdout } = await exported('--help')
    expect(stdout).toMatch(/^Writes a run[^]*Examples[^]*--endpoint[^]*Exit codes: /)
  })
})

test.each([[], ['--format', 'csv'], ['--format', 'perfetto'], ['--format', 'otlp'], ['--turn', '1']])(
  'a file without a record is no journal, and ends with 3: %j',
  async (...args) => {
    const empty = file('empty.jsonl')
    writeFileSync(empty, '')
    const { code, stdout, stderr } = await exported(empty, ...args)
    expect([code, stdout, stderr]).toEqual([3, '', `${empty} is no journal: it holds not a single record.\n`])
  },
)
