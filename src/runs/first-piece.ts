import { ModelReasoningReceived, ModelTextReceived, ModelToolCallStarted } from '../messages/model.ts'

const FIRST_PIECES: ReadonlySet<string> = new Set([
  ModelTextReceived.type,
  ModelReasoningReceived.type,
  ModelToolCallStarted.type,
])

/** Whether an event of this type tells that a model's answer has begun to arrive. */
export function isFirstPiece(type: string): boolean {
  return FIRST_PIECES.has(type)
}
