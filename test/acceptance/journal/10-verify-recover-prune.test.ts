import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, copyOf, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-kept-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

/** A copy that ends in the middle of its last line. */
function torn(bytes: number): string {
  const copy = copyOf(runs.first)
  writeFileSync(copy, readFileSync(copy).subarray(0, -bytes))
  return copy
}

describe.concurrent('keeping runs whole', { timeout: 120_000 }, () => {
  test('verify says yes to all that the product wrote, the killed one too', async () => {
    const all = [runs.first, runs.again, runs.killed, runs.embed, runs.custom]
    const { code, stdout } = await busline('verify', ...all, '--json')
    expect(code).toBe(0)
    const ended = linesOf(stdout).flatMap((line) => {
      const row = JSON.parse(line)
      return row.kind === 'run' ? [row] : []
    })
    expect(ended.map(({ ok, faults, damage }) => [ok, faults, damage])).toEqual(all.map(() => [true, 0, 0]))
    expect(ended[2].unfinished).toBeGreaterThan(0)
  })

  test('verify says no to a run with a line that is gone, and where; show ends with exit code 3', async () => {
    const copy = copyOf(runs.first)
    const lines = linesOf(readFileSync(copy, 'utf8')).toSpliced(20, 1)
    writeFileSync(copy, lines.map((line) => `${line}\n`).join(''))
    const [verified, shown] = await Promise.all([busline('verify', copy), busline('show', copy, '--all')])
    expect(verified.code).not.toBe(0)
    expect(`${verified.stdout}${verified.stderr}`).toMatch(/\b21\b/)
    expect(shown.code).toBe(3)
  })

  test.each([1, 2, 150, 400])(
    'recover cuts a run that ends %d bytes too early to whole lines, and keeps the file as it was',
    async (bytes) => {
      const copy = torn(bytes)
      const before = readFileSync(copy, 'utf8')
      const whole = before.slice(0, before.lastIndexOf('\n') + 1)
      const { code } = await busline('recover', copy)
      expect(code).toBe(0)
      const [verified, after] = [await busline('verify', copy), readFileSync(copy, 'utf8')]
      expect(verified.code).toBe(0)
      expect(after.startsWith(whole)).toBe(true)
      if (before !== whole) expect(readFileSync(`${copy}.damaged-1`, 'utf8')).toBe(before)
    },
  )

  test('prune takes the oldest runs away, and none on a dry run', async () => {
    const logs = join(folder, 'logs')
    cpSync(runs.logs, logs, { recursive: true, preserveTimestamps: true })
    const journals = () => readdirSync(logs).filter((name) => name.endsWith('.jsonl'))
    const dry = await busline('prune', logs, '--keep', '1', '--dry-run')
    expect(dry.code).toBe(0)
    expect(journals()).toHaveLength(3)
    const { code } = await busline('prune', logs, '--keep', '1')
    expect(code).toBe(0)
    expect(journals()).toHaveLength(1)
    expect(existsSync(runs.first)).toBe(true)
  })
})
