export type { JournalRecord } from './bus/journal.ts'
export { MESSAGE_TYPES } from './messages/message-types.ts'
export { readJournal, type ReadJournalOptions } from './journal/read-journal.ts'
export {
  scanJournal,
  type JournalSource,
  type ScanJournalOptions,
  type ScannedLine,
} from './journal/scan-journal.ts'
export { lastLines } from './journal/last-lines.ts'
export { journalHolder } from './journal/journal-holder.ts'
export { replay } from './replay.ts'
export type { RecordedJournal, ReplayOptions } from './replay/replay.ts'
export type { Divergence, GuardFinding, ReplayReport } from './replay/replay-report.ts'
export { forkPath } from './fork/fork-path.ts'
export { forkRun, type Fork, type ForkOptions } from './fork/fork-run.ts'
export type { CommandName, WaitingInput } from './fork/fork-end.ts'
export { sessionsIn, type SessionsInOptions } from './fork/sessions-in.ts'
export type { SessionProblem } from './fork/session-records.ts'
export { writeSession, type Written } from './fork/write-sessions.ts'
export { describeValues, type Wording } from './diff/describe-values.ts'
export { diffRuns, type DiffOptions } from './diff/diff-runs.ts'
export {
  DIFF_PARTS,
  type DiffedRun,
  type DiffPair,
  type DiffPart,
  type FiguresRow,
  type FirstDivergence,
  type RunDiff,
  type TurnDiff,
} from './diff/run-diff.ts'
export type { Figures } from './diff/run-figures.ts'
export type { RunRecords } from './diff/run-records.ts'
export type { ValueChange } from './diff/value-changes.ts'
export { wordDiff, type TextPart } from './diff/word-diff.ts'
export {
  repriceRun,
  type RepricedCall,
  type RepricedRun,
  type RepricedTotal,
  type RepriceOptions,
} from './fork/reprice-run.ts'
export { followJournal, type FollowJournalOptions } from './journal/follow-journal.ts'
export { callName } from './runs/call-name.ts'
export type { CallStats } from './runs/call-group.ts'
export { criticalPath, selfMs, type PathPart } from './runs/critical-path.ts'
export { findMessage, type MessagePlace } from './runs/find-message.ts'
export type { TextRange } from './runs/find-text.ts'
export type { TokenSums } from './runs/model-use.ts'
export { parseFilter, type Filter, type FilterOptions } from './runs/parse-filter.ts'
export { QUANTILE_ERROR, type Summary } from './runs/quantiles.ts'
export { isOpening, ProcessChange } from './runs/run-begun.ts'
export { beginsLaterSegment } from './bus/later-segment.ts'
export { linesOfRecords, type RunLine, type RunLines } from './runs/run-line.ts'
export { RunStats, runStats, type RunReport, type StatsRow } from './runs/run-stats.ts'
export { searchRun, type Found, type SearchOptions } from './runs/search-run.ts'
export { searchedText } from './runs/searched-text.ts'
export { traceRows, type TraceRow } from './runs/trace-rows.ts'
export type { TraceNode, TraceTree } from './runs/trace-tree.ts'
export type { TurnRow, TurnStats } from './runs/turn-table.ts'
export { whyOf, type FailurePath, type Why, type WhyEffect, type WhyStep } from './runs/why-of.ts'
export { exportMarkdown } from './export/export-markdown.ts'
export { exportCsv, type CsvTable } from './export/export-csv.ts'
export { exportPerfetto } from './export/export-perfetto.ts'
export { exportOpenai, type ExportOpenaiOptions } from './export/export-openai.ts'
export type { ExportFilter, Records } from './export/export-options.ts'
export { pruneJournals, type PruneOptions, type PruneReport } from './journal/prune-journals.ts'
export { segmentsOf } from './journal/segments.ts'
export { resolveBlobs } from './journal/resolve-blobs.ts'
export type { AnsweredCalls, WantedCall } from './fork/recorded-tools.ts'
export type { TurnEnd } from './fork/run-plan.ts'
export { whatIf, type WhatIfOptions, type WhatIfReport, type WhatIfTurn } from './what-if.ts'
export { lineOf } from './fork/line-of.ts'
export {
  verifyJournal,
  type Finding,
  type FindingKind,
  type Severity,
  type Verification,
  type VerifyJournalOptions,
} from './journal/verify-journal.ts'
export {
  recoverJournal,
  type DamagedPart,
  type RecoveredFile,
  type RecoverJournalOptions,
  type Recovery,
  type SetAside,
} from './journal/recover-journal.ts'
export { cutToWidth, fillEnd, fillStart, textWidth } from './observability/text-width.ts'
export { upcastRecords } from './journal/upcast-records.ts'
