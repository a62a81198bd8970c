import { readFileSync } from 'node:fs'
import type { JournalRecord } from 'busline'
import type { ReplayReport } from 'busline/journal'
import { seededIds, seededRandom } from 'busline/testing'
import { goldenFile } from '../golden/runs.ts'

/** What the bus of every golden run was given: ids and randomness from seed 1. */
export function seeds(): { newId: () => string; random: () => number } {
  return { newId: seededIds(1), random: seededRandom(1) }
}

export function goldenRecords(name: string): JournalRecord[] {
  return recordsOf(readFileSync(goldenFile({ name }), 'utf8'))
}

export function recordsOf(text: string): JournalRecord[] {
  return text
    .trim()
    .split('\n')
    .map((line): JournalRecord => JSON.parse(line))
}

/** Lines without their time and duration, to be compared byte for byte; the header names the process, and is left out. */
export function timeless(records: readonly JournalRecord[]): string[] {
  return records
    .filter(({ kind }) => kind !== 'header')
    .map(({ time: _time, ms: _ms, ...record }) => JSON.stringify(record))
    .map((line) =>
      line.replaceAll(/"deltas":\[\[[\d.]+,/g, '"deltas":[[0,').replaceAll(/\],\[[\d.]+,"/g, '],[0,"'),
    )
}

/** The same in any order: what runs side by side may change places. */
export function anyOrder(records: readonly JournalRecord[]): string[] {
  return timeless(records)
    .map((line) => line.replace(/"seq":\d+,/, '').replace(/"time":[\d.]+/, '"time":0'))
    .toSorted()
}

/** The first divergence, short enough to be read. */
export function first(report: ReplayReport): object | undefined {
  const [divergence] = report.divergences
  if (!divergence) return undefined
  const { kind, line, type, path, recorded, replayed } = divergence
  return { kind, line, type, path, recorded, replayed }
}
