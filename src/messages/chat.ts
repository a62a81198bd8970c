import * as z from 'zod'
import { ConversationMessage, TurnUsage } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'

/** One tool call of a turn: `arguments` parsed, or the raw string when it isn't a JSON object. */
export const ToolCallOutcome = z.object({
  id: z.string(),
  name: z.string(),
  arguments: z.unknown(),
  result: z.unknown(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type ToolCallOutcome = z.output<typeof ToolCallOutcome>

/**
 * What a turn came to. `reply` is the final text; `finishReason` the last answer's as the server sent it, or the
 * name of the limit that ended the turn (`maxSteps`); `messages` is what the turn added, the user's first;
 * `steps` counts model calls; `usage` is null when no server told.
 */
export const TurnResult = z.object({
  turn: z.string(),
  reply: z.string(),
  finishReason: z.string().nullable(),
  toolCalls: z.array(ToolCallOutcome),
  usage: TurnUsage.nullable(),
  messages: z.array(ConversationMessage),
  steps: z.number(),
})
export type TurnResult = z.output<typeof TurnResult>

/** Runs one turn in the scope's session: one user input up to one final reply. Exclusive per session. */
export const RunTurn = defineCommand('chat.runTurn', {
  input: z.object({ text: z.string() }),
  output: TurnResult,
  startsTurn: true,
})

/** A turn ended with a reply. Exactly one of this, {@link TurnFailed} and {@link TurnCancelled} ends a turn. */
export const TurnFinished = defineEvent('chat.turnFinished', { data: TurnResult })

const EndedEarly = z.object({
  turn: z.string(),
  error: Failure,
  messages: z.array(ConversationMessage),
  usage: TurnUsage.nullable(),
})

/** A turn ended with an error; `messages` is what of it stays in the session. */
export const TurnFailed = defineEvent('chat.turnFailed', { data: EndedEarly })

/** A turn was cancelled; `messages` is what of it stays in the session. */
export const TurnCancelled = defineEvent('chat.turnCancelled', { data: EndedEarly })
