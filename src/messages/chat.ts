import * as z from 'zod'
import { HistoryMessage, TurnUsage } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'
import { OutputSchema, Sampling } from './model.ts'

/** One tool call of a turn: `arguments` parsed, or the raw string when it isn't a JSON object. */
export const ToolCallOutcome = z.object({
  id: z.string(),
  name: z.string(),
  arguments: z.unknown(),
  result: z.unknown(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type ToolCallOutcome = z.output<typeof ToolCallOutcome>

/** What a program should know of a turn that ended well all the same, e.g. that another model answered. */
export const TurnWarning = z.object({ code: z.string(), message: z.string() })
export type TurnWarning = z.output<typeof TurnWarning>

/**
 * What a turn came to. `reply` is the final text; `finishReason` the last answer's as the server sent it, or the
 * name of what ended the turn (`maxSteps`, `maxTokens`, `maxCost`, `maxDuration`, `stopRule`); `messages` is what the turn
 * added, the user's first; `steps` counts the answers; `usage` is null when no server told. `model` answered last, `cost`
 * is in US dollars and null when a price is not known, `output` the parsed reply where a schema was asked for.
 */
export const TurnResult = z.object({
  turn: z.string(),
  reply: z.string(),
  finishReason: z.string().nullable(),
  toolCalls: z.array(ToolCallOutcome),
  usage: TurnUsage.nullable(),
  messages: z.array(HistoryMessage),
  steps: z.number(),
  model: z.string().nullable().optional(),
  cost: z.number().nullable().optional(),
  output: z.unknown().optional(),
  warnings: z.array(TurnWarning).optional(),
})
export type TurnResult = z.output<typeof TurnResult>

/**
 * What becomes of input that comes while a turn of its session runs: it waits for its own turn (`queue`), all that waits
 * becomes the next turn's messages (`batch`), it is refused with `SESSION_BUSY` (`reject`), or it cancels the turn
 * (`interrupt`).
 */
export const WhileBusy = z.enum(['queue', 'batch', 'reject', 'interrupt'])
export type WhileBusy = z.output<typeof WhileBusy>

/**
 * Runs one turn in the scope's session: one user input up to one final reply. Exclusive per session. `attachments` are
 * content parts beside the text (images, files); `model`, `sampling` and `whileBusy` hold for this turn only; with a
 * `schema` the reply is JSON that fits it.
 */
export const RunTurn = defineCommand('chat.runTurn', {
  input: z.object({
    text: z.string(),
    attachments: z.array(z.looseObject({ type: z.string() })).optional(),
    model: z.string().optional(),
    sampling: Sampling.optional(),
    schema: OutputSchema.optional(),
    whileBusy: WhileBusy.optional(),
  }),
  output: TurnResult,
  startsTurn: true,
})

/**
 * Goes on with the turn of the scope's session that a crash interrupted, up to its reply; null when there is none. Tools
 * whose results are missing run again where that is safe. Its events name the turn that it goes on with.
 */
export const ResumeTurn = defineCommand('chat.resumeTurn', {
  input: z.object({}),
  output: TurnResult.nullable(),
})

/** Goes on with one turn that a crash interrupted; what it causes belongs to that turn. {@link ResumeTurn} sends it. */
export const ContinueTurn = defineCommand('chat.continueTurn', {
  input: z.object({ turn: z.string() }),
  output: TurnResult,
})

/** Waiting input became a part of the turn `into`, whose result it gets. */
export const InputJoined = defineEvent('chat.inputJoined', {
  data: z.object({ turn: z.string(), into: z.string() }),
})

/** A limit of a turn was reached: it ends with what the model says without tools. */
export const LimitReached = defineEvent('chat.limitReached', {
  data: z.object({ turn: z.string(), limit: z.string(), value: z.number(), max: z.number() }),
})

/** A turn ended with a reply. Exactly one of this, {@link TurnFailed} and {@link TurnCancelled} ends a turn. */
export const TurnFinished = defineEvent('chat.turnFinished', { data: TurnResult })

const EndedEarly = z.object({
  turn: z.string(),
  error: Failure,
  messages: z.array(HistoryMessage),
  usage: TurnUsage.nullable(),
})

/** A turn ended with an error; `messages` is what of it stays in the session. */
export const TurnFailed = defineEvent('chat.turnFailed', { data: EndedEarly })

/** A turn was cancelled; `messages` is what of it stays in the session. */
export const TurnCancelled = defineEvent('chat.turnCancelled', { data: EndedEarly })
