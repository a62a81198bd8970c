import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { linesOf } from './fixtures/printed.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
let tests = 0
let logs = ''

/** Writes a run that was last written so many days ago. */
function runOf(name: string, days: number): string {
  const path = join(logs, name)
  const header = '{"v":1,"seq":0,"time":1,"kind":"header","type":"busline.journal","data":{"run":"r"}}\n'
  writeFileSync(path, header.padEnd(2000, '\n'))
  const written = Date.now() / 1000 - days * 86_400
  utimesSync(path, written, written)
  return path
}

beforeEach(() => {
  logs = join(folder.path, `logs-${++tests}`)
  mkdirSync(logs)
  for (const [name, days] of Object.entries({ 'old.jsonl': 60, 'lately.jsonl': 20, 'new.jsonl': 1 }))
    runOf(name, days)
})

describe('busline prune', () => {
  test('deletes what is older, tells it on stdout, and the sum on stderr', async () => {
    const finished = await folder.busline('prune', logs, '--older-than', '30d')

    expect(finished).toMatchObject({ code: 0 })
    expect(finished.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}\s+2\.0 kB {2}\S+old\.jsonl\n$/)
    expect(finished.stderr).toBe('Deleted 1 run, 2.0 kB; 2 runs left.\n')
    expect(readdirSync(logs).toSorted()).toEqual(['lately.jsonl', 'new.jsonl'])
  })

  test('deletes nothing in a dry run, and says so', async () => {
    const finished = await folder.busline('prune', logs, '--keep', '1', '--dry-run')

    expect(finished).toMatchObject({ code: 0, stderr: 'Would delete 2 runs, 4.0 kB; 1 run would stay.\n' })
    expect(linesOf(finished.stdout)).toHaveLength(2)
    expect(readdirSync(logs)).toHaveLength(3)
  })

  test('tells programs in lines of a stated shape', async () => {
    const finished = await folder.busline('prune', logs, '--max-bytes', '4kB', '--keep', '1', '--json')

    expect(linesOf(finished.stdout).map((line): unknown => JSON.parse(line))).toEqual([
      { kind: 'run', path: join(logs, 'old.jsonl'), bytes: 2000, changed: expect.any(Number) },
      { kind: 'blobs', count: 0, bytes: 0 },
      { kind: 'total', runs: 1, bytes: 2000, kept: 2, inUse: [], dryRun: false },
    ])
    expect(finished).toMatchObject({ code: 0, stderr: '' })
  })

  test.each([
    [[], /needs a rule/],
    [['--dry-run'], /needs a rule/],
    [['--older-than', '30'], /--older-than must be a time such as 90s/],
    [['--older-than', '30 parsecs'], /--older-than must be a time/],
    [['--keep', '-1'], /./],
    [['--keep', 'all'], /--keep must be a whole number, not "all"/],
    [['--max-bytes', '1XB'], /--max-bytes must be a size such as 500MB/],
    [['--keep', '1', 'another'], /takes one folder/],
  ])('refuses %j as usage, deletes nothing', async (args, why) => {
    const finished = await folder.busline('prune', logs, ...args)

    expect(finished).toMatchObject({ code: 2, stdout: '' })
    expect(finished.stderr).toMatch(why)
    expect(readdirSync(logs)).toHaveLength(3)
  })

  test('of a folder that is not there ends with 4', async () => {
    const finished = await folder.busline('prune', join(logs, 'nowhere'), '--keep', '1')

    expect(finished).toMatchObject({ code: 4, stdout: '' })
    expect(finished.stderr).toContain('it does not exist')
  })

  test('--help begins with what it does and ends with exit codes', async () => {
    const { stdout } = await folder.busline('prune', '--help')

    expect(stdout).toMatch(/^Deletes old runs/)
    expect(linesOf(stdout).at(-1)).toMatch(/^Exit codes: /)
  })
})
