import { BuslineError } from '../messages/busline-error.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { alignRuns, type Alignment } from './align-runs.ts'
import { diffReport } from './diff-report.ts'
import type { Change, Found } from './place-pairs.ts'
import { matchedRecords, type WholeRecord } from './matched-records.ts'
import { pathMatcher } from './path-pattern.ts'
import { recordChanges } from './record-changes.ts'
import { DIFF_PARTS, type DiffPart, type RunDiff } from './run-diff.ts'
import { RunIndex } from './run-index.ts'
import { reopenable, type RunRecords } from './run-records.ts'
import type { ValueChange } from './value-changes.ts'

export interface DiffOptions {
  /**
   * Values that are passed over: `data.hash`, `output.toolCalls[*].id`, `model.call:output.usage` (of that type only). What is
   * below a path goes with it.
   */
  ignore?: readonly string[] | undefined
  /** Only these kinds (`inputs`, `outputs`, `events`, `notes`) of these subjects (`models`, `tools`); default all. */
  only?: readonly DiffPart[] | undefined
  /** Only the turn with this number, from 1, by the first run (default all). */
  turn?: number | undefined
  /** For how many changed messages the values are kept (default 1000). The others are told without. */
  keep?: number | undefined
  /** Ends the work by throwing its reason. */
  signal?: AbortSignal | undefined
}

/**
 * Compares two runs by cause: messages that correspondingly came from outside, and what they caused. One more message does not
 * make all that follows differ. `time`, `ms`, pids, the ids that a run, a session or a server gave, and how a stream was cut into
 * batches are no differences; neither is another order of siblings, which is told apart.
 *
 * Memory grows by about half a kB a line of both runs, whatever the lines hold, and as much again until it is collected: to find what corresponds takes the trees of both. Given functions that
 * open a run, it is read twice and never held whole.
 *
 * @throws BuslineError `INVALID_OPTION`, `MESSAGE_NOT_IN_RUN` for a turn that neither run has; whatever reading a run throws
 */
export async function diffRuns(a: RunRecords, b: RunRecords, options: DiffOptions = {}): Promise<RunDiff> {
  check(options)
  const { signal } = options
  const ignores = pathMatcher(options.ignore ?? [])
  const [openA, openB] = [await reopenable(a), await reopenable(b)]
  const indexA = await indexOf(openA(), signal)
  const indexB = await indexOf(openB(), signal)
  const alignment = alignRuns(indexA, indexB)

  const sides = [
    { index: indexA, records: openA() },
    { index: indexB, records: openB() },
  ] as const
  const found = await changesOf(alignment, sides, { ...options, ignores })
  return diffReport({ indexA, indexB, alignment, found, options, openA, openB })
}

async function indexOf(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  signal: AbortSignal | undefined,
): Promise<RunIndex> {
  const index = new RunIndex()
  for await (const record of records) {
    signal?.throwIfAborted()
    index.take(record)
  }
  return index
}

async function changesOf(
  { pairs, sameText }: Alignment,
  [a, b]: readonly [Parameters<typeof matchedRecords>[1], Parameters<typeof matchedRecords>[2]],
  { ignores, keep = 1000, signal }: DiffOptions & { ignores: ReturnType<typeof pathMatcher> },
): Promise<Found> {
  const changed = new Map<number, Change>()
  for await (const { pair, a: wholeA, b: wholeB } of matchedRecords(pairs, a, b)) {
    signal?.throwIfAborted()
    const isKept = changed.size < keep
    const changes = recordChanges(wholeA.record, wholeB.record, {
      sameText,
      ignores,
      limit: isKept ? 100 : 1,
    })
    const [first] = changes
    if (!first || pair.a.pair === undefined) continue
    const place = placeOf(first)
    const lines = { a: lineAt(wholeA, place), b: lineAt(wholeB, place) }
    changed.set(pair.a.pair, { ...lines, changes: isKept ? changes : [] })
  }
  return changed
}

/** Where in a joined text or list it begins to differ. */
function placeOf({ path, a, b }: ValueChange): number {
  const message = /^data\.messages\[(\d+)\]/.exec(path)
  if (message) return Number(message[1])
  if (path !== 'data.text' || typeof a !== 'string' || typeof b !== 'string') return 0
  let place = 0
  while (place < a.length && a[place] === b[place]) place++
  return place
}

/** The line of the piece that holds a place. */
function lineAt({ starts }: WholeRecord, place: number): number {
  return starts.findLast((start) => start.place <= place)?.line ?? 0
}

function check({ only, turn, keep }: DiffOptions): void {
  const unknown = only?.find((part) => !DIFF_PARTS.includes(part))
  if (unknown !== undefined)
    throw invalid('only', `${JSON.stringify(unknown)} is none of ${DIFF_PARTS.join(', ')}.`)
  if (turn !== undefined && !(Number.isInteger(turn) && turn > 0))
    throw invalid('turn', 'Give the number of a turn, from 1.')
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 0))
    throw invalid('keep', 'Give a whole number.')
}

function invalid(option: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `diffRuns.${option}: ${why}`, { data: { option } })
}
