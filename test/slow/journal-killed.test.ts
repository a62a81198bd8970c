import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Durability } from 'busline'
import { segmentsOf } from 'busline/journal'
import { seededRandom } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { readAll } from '../journal/fixtures/read-all.ts'
import { valueOf } from './fixtures/journaled-value.ts'

const ROUNDS = 12
const CLASSES: readonly Durability[] = ['buffered', 'process', 'disk']

/** Bytes of the shortest line of a value. */
const LINE_BYTES = 120

/** Lets the child work for so long since its first word, kills it, and tells what it was promised last. */
async function killedAfter(path: string, durability: Durability, first: number, ms: number): Promise<number> {
  const script = fileURLToPath(new URL('./fixtures/journals-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, durability, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  const speaks = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text
      resolve()
    })
  })
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await Promise.race([speaks, gone])
  await setTimeout(ms)
  child.kill('SIGKILL')
  await gone
  // The last line may be cut.
  return Number(told.split('\n').at(-2) ?? first)
}

describe.each(CLASSES)('a journal of class %s that is killed under load, again and again', (durability) => {
  test('has what was promised and its blobs, in order over all files, and goes on', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const random = seededRandom(CLASSES.indexOf(durability) + 1)
    let first = 0
    for (let round = 0; round < ROUNDS; round++) {
      const promised = await killedAfter(path, durability, first, random() * 250)
      const records = await readAll(path)
      const values = records.filter(({ kind }) => kind === 'event').map(({ data }) => data)

      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, seq) => seq))
      expect(values).toEqual(values.map((_, n) => valueOf(n)))
      const mayBeLost = durability === 'buffered' ? Math.ceil((64 * 1024) / LINE_BYTES) : 0
      expect(values.length).toBeGreaterThanOrEqual(promised - mayBeLost)
      expect(values.length).toBeGreaterThanOrEqual(first)
      first = values.length
    }
    expect(segmentsOf(path).length).toBeGreaterThan(ROUNDS)
    expect(readdirSync(path.replace('.jsonl', '.blobs')).length).toBeGreaterThan(ROUNDS)
  })
})
