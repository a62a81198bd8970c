/** What a talker is made for. */
export interface TalkSetup {
  /** The server's base URL, which ends in `/v1`. */
  readonly url: string
  readonly stream: boolean
  /** Whether the weather tool is offered; then a turn is two steps, else one. */
  readonly tools: boolean
  /** How many conversations there are; each begins with so many messages. */
  readonly conversations: number
  readonly history: number
}

/** Somebody who leads conversations with a model. */
export interface Talker {
  /**
   * Asks `QUESTION` in a conversation, by its number, and resolves to the reply. The conversation keeps what was said where
   * its next turn needs it.
   */
  turn(conversation: number): Promise<string>
  stop?(): void | Promise<void>
}

export type MakeTalker = (setup: TalkSetup) => Talker | Promise<Talker>
