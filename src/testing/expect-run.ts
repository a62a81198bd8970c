import { AssertionError } from 'node:assert'
import type { Participant } from '../bus/bus.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { visibleLine, visibleText } from '../console/visible-text.ts'
import { describeError } from '../diff/describe-error.ts'
import { describeValues } from '../diff/describe-values.ts'
import { writeAtomically } from '../files/write-atomically.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { RecordedJournal, ReplayOptions } from '../replay/replay.ts'
import { NOT_SCHEDULED, type Divergence, type ReplayReport } from '../replay/replay-report.ts'
import { loosening, type Loosening } from './loosening.ts'
import { updateWanted } from './update-wanted.ts'

export interface ExpectRunOptions extends Omit<ReplayOptions, 'mode' | 'pause'> {
  /** By type, how much has to be as recorded (default `exact`): `{ 'model.call': 'shape' }`. */
  loosen?: Readonly<Record<string, Loosening>> | undefined
  /** Values that may differ: `data.hash`, `output.toolCalls[*].id`, `model.call:data.temperature` (of that type only). */
  ignore?: readonly string[] | undefined
  /**
   * Writes the journal anew from the replay where they differ, and passes (default: when the environment has
   * `BUSLINE_UPDATE=1`, or the tests run with `-u` or `--update`).
   */
  update?: boolean | undefined
  /** Hears that a journal was written anew (default: a line on stderr). */
  say?: ((line: string) => void) | undefined
}

/** What a run was expected to do, and did. */
export interface ExpectedRun {
  readonly report: ReplayReport
  /** Whether the journal was written anew. */
  readonly updated: boolean
}

/** A run did something else than its journal tells. Test runners show it as a failed assertion. */
export class RunDiverged extends AssertionError {
  /** What is left after what was allowed to differ. */
  readonly divergences: readonly Divergence[]

  constructor(message: string, divergences: readonly Divergence[]) {
    const [first] = divergences
    super({ message, actual: first?.replayed, expected: first?.recorded, operator: 'expectRun' })
    this.divergences = divergences
  }
}

type Replay<App> = (journal: RecordedJournal, app: App, options: ReplayOptions) => Promise<ReplayReport>

/**
 * Expects that an app does again what a journal tells, by the given replay.
 *
 * @throws RunDiverged with the first divergence in its message; BuslineError `INVALID_OPTION`, and what the replay throws
 */
export async function expectReplay<App = Participant>(
  replay: Replay<App>,
  journal: RecordedJournal,
  app: App,
  options: ExpectRunOptions = {},
): Promise<ExpectedRun> {
  const { loosen, ignore, update = updateWanted(), say = sayOnStderr, ...replayOptions } = options
  const notAllowed = loosening({ loosen, ignore })
  if (options.update === true && typeof journal !== 'string')
    throw new BuslineError(
      'INVALID_OPTION',
      'expectRun.update: only a journal in a file can be written anew.',
      {
        data: { option: 'update' },
      },
    )
  const report = await replay(journal, app, { ...replayOptions, mode: 'keep-going' })
  const left = notAllowed(report.divergences)
  if (left.length === 0) return { report, updated: false }
  const name = typeof journal === 'string' ? visibleLine(journal) : 'the run'
  if (!update || typeof journal !== 'string') throw new RunDiverged(messageOf(name, left), left)

  const why = whyUnfinished(report)
  if (why !== undefined)
    throw new RunDiverged(
      `${name} can't be written anew: ${why} Record it anew.\n${messageOf(name, left)}`,
      left,
    )
  writeAtomically(journal, report.records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  say(`${name} was written anew: ${left.length} of its messages changed.`)
  return { report, updated: true }
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A replay that lacked an answer, or did not come to its end, is no run that could be expected. */
function whyUnfinished({ records, divergences }: ReplayReport): string | undefined {
  const refused = divergences.find(
    ({ kind, recordedRecord, replayed }) =>
      kind === 'missing' && replayed !== NOT_SCHEDULED && isFromOutside(recordedRecord),
  )
  if (refused) return `today's app handles no ${visibleLine(refused.type)}.`
  const lacking = records.find(
    ({ error }) => error?.code === 'REPLAY_DIVERGED' || error?.code === 'REPLAY_GUARD',
  )
  if (lacking) return `today's code executes a ${visibleLine(lacking.type)} for which there is no answer.`
  const ended = new Set(records.map(({ of }) => of))
  const open = records.find(({ kind, id }) => kind === 'command' && id !== undefined && !ended.has(id))
  return open && `the replay did not come to the end of a ${visibleLine(open.type)}.`
}

function isFromOutside(record: JournalRecord | undefined): boolean {
  return (
    record !== undefined &&
    record.cause === undefined &&
    (record.kind === 'command' || record.kind === 'event')
  )
}

const WORDS = {
  changed: 'differs',
  extra: 'is new: the journal has nothing like it there',
  missing: 'did not come',
} as const

/** How many divergences are told after the first. */
const MOST_TOLD = 5

function messageOf(name: string, [first, ...others]: readonly Divergence[]): string {
  if (!first) return `${name} differs.`
  const values = describeValues(first.recorded, first.replayed, {
    names: ['recorded', 'replayed'],
    clean: visibleText,
  })
  const more = others.length - MOST_TOLD
  return [
    `${name}, ${placeOf(first)}`,
    ...values.split('\n').map((line) => `  ${line}`),
    ...errorsOf(first),
    ...others.slice(0, MOST_TOLD).map((other) => `then ${placeOf(other)}`),
    ...(more > 0 ? [`and ${more} more`] : []),
    "If today's code is right, write it anew: BUSLINE_UPDATE=1, vitest -u, or busline test --update.",
  ].join('\n')
}

/** The errors behind a status that differs. */
function errorsOf({ path, recordedRecord, replayedRecord }: Divergence): string[] {
  if (path !== 'status') return []
  const [was, is] = [recordedRecord?.error, replayedRecord?.error]
  return [
    ...(was ? [`  the recorded error: ${visibleText(describeError(was))}`] : []),
    ...(is ? [`  the replayed error: ${visibleText(describeError(is))}`] : []),
  ]
}

function placeOf({ line, type, kind, path, recordedRecord, replayedRecord }: Divergence): string {
  const record: JournalRecord | undefined = recordedRecord ?? replayedRecord
  const what = visibleLine(`${record === undefined ? '' : `${record.kind} `}${type}`, 100)
  return `line ${line}: ${what} ${WORDS[kind]}${path === '' ? '' : ` at ${visibleLine(path, 200)}`}`
}
