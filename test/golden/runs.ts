import {
  cancelledTurn,
  fallbackModel,
  resumedTurn,
  retriedAttempt,
  structuredRepair,
} from './broken-turns.ts'
import type { GoldenRun } from './golden-run.ts'
import {
  approvalsDecided,
  contextSummary,
  interruptingInput,
  queuedInput,
  sharedSession,
  twoSessions,
} from './meeting-turns.ts'
import { ownMessages, scheduledMessage } from './own-messages.ts'
import {
  failingTools,
  maxSteps,
  oneTool,
  plainReply,
  streamedReasoning,
  threeParallelTools,
} from './single-turns.ts'

export { attachApp, goldenChance, type GoldenApp, type GoldenRun } from './golden-run.ts'

/** The golden runs: what the engine does, told by the journals that it writes. */
export const GOLDEN_RUNS: readonly GoldenRun[] = [
  plainReply,
  oneTool,
  threeParallelTools,
  failingTools,
  streamedReasoning,
  maxSteps,
  retriedAttempt,
  fallbackModel,
  structuredRepair,
  cancelledTurn,
  resumedTurn,
  queuedInput,
  interruptingInput,
  approvalsDecided,
  twoSessions,
  contextSummary,
  sharedSession,
  ownMessages,
  scheduledMessage,
]

/** The file of a golden run's journal. */
export function goldenFile({ name }: Pick<GoldenRun, 'name'>): string {
  return new URL(`./${name}.jsonl`, import.meta.url).pathname
}
