import type { AppOptions } from './app-options.ts'
import type { Participant } from './bus/bus.ts'
import { replay } from './replay.ts'
import type { RecordedJournal } from './replay/replay.ts'
import { expectReplay, type ExpectedRun, type ExpectRunOptions } from './testing/expect-run.ts'

/**
 * Expects that today's code does again what a journal tells: replays it without network and key, and throws an
 * `AssertionError` that shows the first message that differs, recorded and replayed. For vitest, node:test, or any other.
 * Effects are answered from the journal; those named by `live` run.
 *
 * @param app what `createApp` was given (its journal, store and provider are left out), or a participant that attaches the app
 * without a provider and without a store
 * @throws RunDiverged; BuslineError `INVALID_OPTION`, `JOURNAL_DAMAGED`, `FILE_FAILED`, `RUN_NOT_FOUND`
 *
 * @example
 * test('the weather in Paris', () => expectRun('test/runs/paris.jsonl', { tools }))
 */
export function expectRun(
  journal: RecordedJournal,
  app: Participant | AppOptions,
  options: ExpectRunOptions = {},
): Promise<ExpectedRun> {
  return expectReplay(replay, journal, app, options)
}
