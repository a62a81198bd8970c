import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Alignment } from './align-runs.ts'
import { alignedTurns, diffTurns } from './diff-turns.ts'
import { figuresRow, figuresRows } from './figures-row.ts'
import { placePairs, type Found, type Placed } from './place-pairs.ts'
import type { DiffPair, DiffPart, DiffedRun, FirstDivergence, RunDiff } from './run-diff.ts'
import type { RunIndex } from './run-index.ts'

type Open = () => Iterable<JournalRecord> | AsyncIterable<JournalRecord>

interface Parts {
  readonly indexA: RunIndex
  readonly indexB: RunIndex
  readonly alignment: Alignment
  readonly found: Found
  readonly options: { only?: readonly DiffPart[] | undefined; turn?: number | undefined }
  readonly openA: Open
  readonly openB: Open
}

/** Puts together what has been found. @throws BuslineError `MESSAGE_NOT_IN_RUN` for a turn that neither run has */
export async function diffReport(parts: Parts): Promise<RunDiff> {
  const { indexA, indexB, alignment } = parts
  const turns = alignedTurns(indexA, indexB, alignment.pairs)
  const { turn } = parts.options
  if (turn !== undefined && turn > turns.length) throw noTurn(turn, turns.length)
  const placed = placePairs(parts, turns).filter(({ pair }) => isWanted(pair, parts.options))
  const pairs = placed.map(({ pair }) => pair)
  const counts = { same: 0, changed: 0, onlyInA: 0, onlyInB: 0, reordered: 0 }
  for (const { state, reordered } of pairs) {
    counts[state]++
    if (reordered) counts.reordered++
  }
  const { a, b } = { a: indexA.figures, b: indexB.figures }
  return {
    same: counts.changed + counts.onlyInA + counts.onlyInB === 0,
    a: headOf(indexA),
    b: headOf(indexB),
    first: await firstOf(placed, parts),
    counts,
    pairs,
    turns: diffTurns(pairs, turns, { a: indexA, b: indexB }),
    models: figuresRows(a.models, b.models),
    tools: figuresRows(a.tools, b.tools),
    total: figuresRow('total', a.total(), b.total()),
  }
}

function noTurn(turn: number, turns: number): BuslineError {
  const there = turns === 0 ? 'the runs have none' : `the runs have ${turns}`
  return new BuslineError('MESSAGE_NOT_IN_RUN', `There is no turn ${turn}: ${there}.`, {
    data: { turn, turns },
  })
}

const KINDS: Readonly<Record<string, DiffPart>> = {
  command: 'inputs',
  result: 'outputs',
  event: 'events',
  note: 'notes',
}

function isWanted(pair: DiffPair, { only = [], turn }: Parts['options']): boolean {
  if (turn !== undefined && pair.turn !== turn) return false
  const kinds: DiffPart[] = only.filter((part) => part !== 'models' && part !== 'tools')
  const kind = KINDS[pair.kind]
  if (kinds.length > 0 && (kind === undefined || !kinds.includes(kind))) return false
  if (only.length === kinds.length) return true
  const isOf = (part: DiffPart, prefix: string): boolean =>
    only.includes(part) && pair.type.startsWith(prefix)
  return isOf('models', 'model.') || isOf('tools', 'tool.call')
}

const Head = z.looseObject({
  run: z.string().nullable().catch(null),
  busline: z.string().nullable().catch(null),
  node: z.string().nullable().catch(null),
})

function headOf({ head, lines }: RunIndex): DiffedRun {
  const { run = null, busline = null, node = null } = Head.safeParse(head).data ?? {}
  return { run, busline, node, lines }
}

async function firstOf(placed: readonly Placed[], { openA, openB }: Parts): Promise<FirstDivergence | null> {
  const first = placed.find(({ pair }) => pair.state !== 'same')
  if (!first) return null
  const { pair, gap } = first
  if (pair.state === 'changed') return { ...whatOf(pair), state: 'changed', ...(await changeOf(pair)) }
  const other =
    pair.state === 'onlyInA' &&
    placed.find((one) => one.gap === gap && one.pair.state === 'onlyInB' && one.pair.kind === pair.kind)
  const b = other ? other.pair.b : pair.b
  return {
    ...whatOf(pair),
    state: other ? 'instead' : pair.state === 'onlyInA' ? 'onlyInA' : 'onlyInB',
    b,
    path: '',
    valueA: await recordAt(openA, pair.a),
    valueB: await recordAt(openB, b),
  }

  async function changeOf({
    changes,
    a,
    b: lineB,
  }: DiffPair): Promise<{ path: string; valueA: unknown; valueB: unknown }> {
    const [change] = changes
    if (change) return { path: change.path, valueA: change.a, valueB: change.b }
    return { path: '', valueA: await recordAt(openA, a), valueB: await recordAt(openB, lineB) }
  }
}

function whatOf({
  a,
  b,
  kind,
  type,
  name,
  turn,
}: DiffPair): Omit<FirstDivergence, 'state' | 'path' | 'valueA' | 'valueB'> {
  return { a, b, kind, type, name, turn }
}

async function recordAt(open: Open, line: number | null): Promise<JournalRecord | undefined> {
  if (line === null) return undefined
  let at = 0
  for await (const record of open()) if (++at === line) return record
  return undefined
}
