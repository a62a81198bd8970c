import type { AppOptions } from './app-options.ts'
import type { Participant } from './bus/bus.ts'
import { appForReplay } from './create-app.ts'
import { replay as replayJournal, type RecordedJournal, type ReplayOptions } from './replay/replay.ts'
import type { ReplayReport } from './replay/replay-report.ts'

/**
 * Runs a recorded journal again with today's code, and tells where it does something else; see {@link ReplayOptions}.
 *
 * @param app what `createApp` was given (its journal, store and provider are left out), or a participant that attaches the
 * app without a provider and without a store
 * @throws BuslineError `INVALID_OPTION`, `JOURNAL_DAMAGED`, `FILE_FAILED`, `RUN_NOT_FOUND`
 */
export function replay(
  journal: RecordedJournal,
  app: Participant | AppOptions,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  return replayJournal(journal, typeof app === 'function' ? app : appForReplay(app), options)
}
