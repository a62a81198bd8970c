import type { ConversationMessage } from '../messages/conversation.ts'
import { editHistory, type HistoryEdit } from '../messages/edit-history.ts'
import { settle } from '../messages/settled.ts'
import type { Exchange } from './exchanges.ts'
import { healExchange } from './heal-exchange.ts'

/** What the context manager remembers of a session: its history, and what of it may be sent, in whole exchanges. */
export class MirroredSession {
  systemPrompt: string | null
  #messages: ConversationMessage[] = []
  /** All but the last are healed; that one still grows. */
  #exchanges: Exchange[] = []
  #last: ConversationMessage[] = []
  /** The exchanges before the last one, in one list. */
  #settledFlat: ConversationMessage[] = []
  #healedLast: Exchange | undefined
  #counted = 0
  #countedUpTo = 0

  constructor(systemPrompt: string | null, messages: readonly ConversationMessage[]) {
    this.systemPrompt = systemPrompt
    this.append(messages)
  }

  /** Messages at the end: costs what they are, not what was there before. */
  append(messages: readonly ConversationMessage[]): void {
    for (const message of messages) {
      // Settled, so that its JSON, its digest and its tokens are worked out once.
      this.#messages.push(settle(message))
      if (message.meta?.archived === true || message.meta?.purged === true) continue
      if (message.role === 'user' && this.#last.length > 0) this.#closeLast()
      this.#last.push(message)
      this.#healedLast = undefined
    }
  }

  replace(messages: readonly ConversationMessage[]): void {
    this.#messages = []
    this.#exchanges = []
    this.#last = []
    this.#settledFlat = []
    this.#healedLast = undefined
    this.#counted = 0
    this.#countedUpTo = 0
    this.append(messages)
  }

  edit(edits: readonly HistoryEdit[]): void {
    this.replace(editHistory(this.#messages, edits))
  }

  /** What may be sent, oldest first: neither archived nor purged, and valid for every server. */
  exchanges(): readonly Exchange[] {
    const last = this.#healed()
    return last.length === 0 ? this.#exchanges : [...this.#exchanges, last]
  }

  /** The same in one list of the caller's own, behind some messages. */
  messages(before: readonly ConversationMessage[]): ConversationMessage[] {
    return before.concat(this.#settledFlat, this.#healed())
  }

  /** Their tokens, each message counted once; with one counter only, as a manager has. */
  tokens(countTokens: (message: ConversationMessage) => number): number {
    for (; this.#countedUpTo < this.#settledFlat.length; this.#countedUpTo++) {
      const message = this.#settledFlat[this.#countedUpTo]
      if (message) this.#counted += countTokens(message)
    }
    return this.#healed().reduce((sum, message) => sum + countTokens(message), this.#counted)
  }

  #closeLast(): void {
    const healed = this.#healed()
    this.#exchanges.push(healed)
    for (const message of healed) this.#settledFlat.push(message)
    this.#last = []
    this.#healedLast = undefined
  }

  #healed(): Exchange {
    // A copy: what was counted or sent must not grow.
    this.#healedLast ??= healExchange([...this.#last])
    return this.#healedLast
  }
}
