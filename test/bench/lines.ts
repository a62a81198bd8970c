import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { journal } from './journal.ts'
import { logRecord } from './log-record.ts'
import { rate } from './measure.ts'
import { loadPeer, type WriteLines } from './peer.ts'
import { single, type Table } from './table.ts'
import { temporaryFolder } from './temporary.ts'

const COUNT = 100_000
const MIN_BYTES = 380

/** Lines of about 400 bytes a second. The loggers write the same record, and none of them promises to keep it. */
export const tables: readonly Table[] = [
  {
    head: 'recorded lines of about 400 bytes',
    columns: ['lines/s'],
    cases: single({
      'JSON.stringify alone': () => stringifyRate(),
      'sonic-boom': () => lineRate(async () => (await loadPeer('sonic-boom')).writeLines),
      pino: () => lineRate(async () => (await loadPeer('pino')).writeLines),
      winston: () => lineRate(async () => (await loadPeer('winston')).writeLines),
      ...journal,
    }),
  },
]

async function stringifyRate(): Promise<number> {
  return rate(COUNT, async (count) => {
    let bytes = 0
    for (let seq = 0; seq < count; seq++) bytes += JSON.stringify(logRecord(seq)).length
    if (bytes < count * MIN_BYTES) throw new Error(`${bytes / count} bytes a line`)
  })
}

async function lineRate(load: () => Promise<WriteLines>): Promise<number> {
  const writeLines = await load()
  const { folder, remove } = temporaryFolder()
  const path = join(folder, 'bench.log')
  let written = 0
  const perSecond = await rate(
    COUNT,
    (count) => writeLines(`${path}.${written}`, count),
    async (count) => {
      check(readFileSync(`${path}.${written}`), count)
      written += count
    },
  )
  remove()
  return perSecond
}

/** A logger that lost some, or wrote less, would look fast. */
function check(text: Buffer, expected: number): void {
  let lines = 0
  for (let index = text.indexOf(10); index !== -1; index = text.indexOf(10, index + 1)) lines++
  if (lines !== expected) throw new Error(`${lines} lines of ${expected}`)
  if (text.length < expected * MIN_BYTES) throw new Error(`${text.length / lines} bytes a line`)
}
