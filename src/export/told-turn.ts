import type { ConversationMessage, TurnUsage } from '../messages/conversation.ts'

/** One tool call of a turn; `ms` is null and `status` `interrupted` when the journal has no end of it. */
export interface ToldCall {
  /** The id that the model's call has. */
  readonly call: string
  readonly name: string
  readonly arguments: unknown
  readonly line: number
  ms: number | null
  status: string
  output: unknown
  error: ToldError | null
}

export interface ToldError {
  readonly code: string
  readonly message: string
}

/** A turn as the journal tells of it. */
export interface ToldTurn {
  readonly turn: string
  readonly session: string | null
  /** Of the command that ran it, from 1. */
  readonly line: number
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Whether it goes on here with what a crash interrupted in an earlier run. */
  readonly resumed: boolean
  /** What the user said. */
  readonly said: string
  /** What it added to the session. */
  messages: ConversationMessage[]
  /** In the order in which they were made. */
  readonly calls: ToldCall[]
  /** What else happened, in words: attempts that failed, other models, limits. */
  readonly news: string[]
  /** Text of an answer that the journal has no end of. */
  heard: string
  steps: number
  model: string | null
  finishReason: string | null
  /** Summed over its model calls; null when no server told. */
  usage: TurnUsage | null
  /** US dollars; null when a price is not known. */
  cost: number | null
  ms: number | null
  /** `interrupted` when the journal has no end of it. */
  status: string
  error: ToldError | null
}
