import * as z from 'zod'
import type { Participant } from '../bus/bus.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { readJournal } from '../journal/read-journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { optionFault } from '../messages/option-fault.ts'
import { recordedRuns } from './recorded-runs.ts'
import { replayRun } from './replay-run.ts'
import type { Divergence, GuardFinding, ReplayReport } from './replay-report.ts'
import { WorldGuard } from './world-guard.ts'

/** A journal file, or its records. */
export type RecordedJournal = string | AsyncIterable<JournalRecord> | Iterable<JournalRecord>

export interface ReplayOptions {
  /** `strict` ends at the first divergence (default); `keep-going` goes on as far as it can, and tells all. */
  mode?: 'strict' | 'keep-going' | undefined
  /** Effects whose handlers run again, by type or pattern: `['tool.call']` for tools that touch nothing (default: none). */
  live?: readonly string[] | undefined
  /** Commands that are no effects, and that the journal answers all the same, by type or pattern (default: none). */
  answered?: readonly string[] | undefined
  /**
   * Watches handlers and subscribers that run again for the clock, randomness, timers and the network (default true): the
   * report lists what it finds, and a connection is refused with `REPLAY_GUARD`.
   */
  guard?: boolean | undefined
  /** Real milliseconds to wait for a line that the app has to write by itself (default 2000). */
  patience?: number | undefined
  /** What the run's bus was given, where it was given ids or randomness of its own. */
  newId?: (() => string) | undefined
  random?: (() => number) | undefined
  /**
   * Awaited before each thing that the replay brings about, with the line that it has come to: to try another order of whatever
   * else runs, or to show progress.
   */
  pause?: ((line: number) => Promise<void>) | undefined
  /** Ends the replay, which rejects with its reason. */
  signal?: AbortSignal | undefined
}

const callable = z.custom((value) => typeof value === 'function', 'expected a function')
const Options = z.strictObject({
  mode: z.enum(['strict', 'keep-going']).optional(),
  live: z.array(z.string()).optional(),
  answered: z.array(z.string()).optional(),
  guard: z.boolean().optional(),
  patience: z.number().min(0).optional(),
  newId: callable.optional(),
  random: callable.optional(),
  pause: callable.optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

/**
 * Runs a journal again: sends what came from outside, at the place that it came to, and compares each line that the app
 * writes with the recorded one. Effects and the session store are answered from the journal, so nothing is asked that is
 * outside of this process; clock, ids and randomness are those of the run. Results are released in the recorded order, each
 * after all that came before it. Holds the run in memory.
 *
 * A line is compared wherever it comes, so what runs side by side may change places; `time`, `ms`, and how a streamed text came
 * in pieces are never a difference.
 *
 * @param app attaches the app without its provider and without its store
 * @throws BuslineError `INVALID_OPTION`, `JOURNAL_DAMAGED`, `FILE_FAILED`, and `RUN_NOT_FOUND` for a journal without a header
 */
export async function replay(
  journal: RecordedJournal,
  app: Participant,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const fault = optionFault(Options, options)
  if (fault)
    throw new BuslineError('INVALID_OPTION', `replay.${fault.field}: ${fault.why}.`, {
      data: { option: fault.field },
    })
  const { runs, lines } = await recordedRuns(typeof journal === 'string' ? readJournal(journal) : journal)
  const { mode = 'strict', live = [], answered = [], patience = 2000, guard: guards = true } = options
  const findings: GuardFinding[] = []
  const guard = guards ? new WorldGuard((finding) => findings.push(finding)) : undefined
  const records: JournalRecord[] = []
  const divergences: Divergence[] = []
  let isOver = false
  try {
    for (const run of runs) {
      if (isOver) break
      const played = await replayRun(run, {
        app,
        mode,
        live,
        answered,
        patience,
        newId: options.newId,
        random: options.random,
        pause: options.pause,
        signal: options.signal,
        around: (message, work, isEffect) => (guard ? guard.run(message, work, isEffect) : work()),
        nextSeq: records.length,
      })
      records.push(...played.records)
      divergences.push(...played.divergences)
      isOver = mode === 'strict' && divergences.length > 0
    }
  } finally {
    guard?.leave()
  }
  divergences.sort((a, b) => a.line - b.line)
  const [first] = divergences
  return {
    identical: divergences.length === 0,
    divergences: mode === 'strict' && first ? [first] : divergences,
    findings,
    records,
    lines,
    replayed: lines - runs.reduce((sum, run) => sum + run.lines.filter(({ done }) => !done).length, 0),
  }
}
