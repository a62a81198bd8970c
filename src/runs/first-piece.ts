import { MESSAGE_TYPES } from '../messages/message-types.ts'

const FIRST_PIECES: ReadonlySet<string> = new Set([
  MESSAGE_TYPES.modelTextReceived,
  MESSAGE_TYPES.modelReasoningReceived,
  MESSAGE_TYPES.modelToolCallStarted,
])

/** Whether an event of this type tells that a model's answer has begun to arrive. */
export function isFirstPiece(type: string): boolean {
  return FIRST_PIECES.has(type)
}
