import type { ConversationMessage } from '../messages/conversation.ts'
import { prepareEdits, type HistoryEdit } from '../messages/edit-history.ts'
import { placesOf } from '../messages/message-places.ts'
import type { Session } from '../messages/session.ts'
import { settle } from '../messages/settled.ts'
import { ExchangeList } from './exchange-list.ts'

/** What the context manager remembers of a session: its history, and what of that may be sent. */
export class MirroredSession {
  systemPrompt: string | null = null
  version = 0
  /** How often it was taken from a whole session. */
  snapshots = 0
  #createdAt = 0
  #messages: ConversationMessage[] = []
  #list = new ExchangeList(this.#messages)

  constructor(session: Session) {
    this.#take(session)
  }

  /** What may be sent of the history. */
  get sent(): Pick<ExchangeList, 'exchanges' | 'messages' | 'tokens'> {
    return this.#list
  }

  /** Takes a whole session, unless it is of before what is known already. */
  takeNewer(session: Session): void {
    const { createdAt, version, messages } = session
    const known = this.#messages.length
    const isSame = createdAt === this.#createdAt
    if (isSame && (version < this.version || messages.length < known)) return
    if (createdAt < this.#createdAt || (isSame && version === this.version && messages.length === known))
      return
    this.#take(session)
  }

  /**
   * Messages at the end: costs what they are, not what was there before.
   *
   * @param mayBeKnown whether some may have come with a whole session already
   */
  append(messages: readonly ConversationMessage[], mayBeKnown = false): void {
    for (const message of messages) {
      if (mayBeKnown && message.id !== undefined && placesOf(this.#messages).has(message.id)) continue
      // Settled, so that its JSON, its digest and its tokens are worked out once.
      this.#list.added(message, this.#messages.push(settle(message)) - 1)
    }
  }

  replace(messages: readonly ConversationMessage[]): void {
    this.#messages = []
    this.#list = new ExchangeList(this.#messages)
    this.append(messages)
  }

  /** @throws BuslineError as `editHistory`; then it is what it was */
  edit(edits: readonly HistoryEdit[]): void {
    prepareEdits(this.#messages, edits)()
    const marks = edits.flatMap((edit) => (edit.op === 'mark' ? [edit.ids] : []))
    // Any other edit may change where exchanges begin and end.
    if (marks.length < edits.length) return this.replace(this.#messages)
    const known = placesOf(this.#messages)
    const places = marks.flat().flatMap((id) => known.get(id) ?? [])
    for (const place of places) settle(this.#messages[place] ?? {})
    this.#list.changed(places)
  }

  #take({ createdAt, version, systemPrompt, messages }: Session): void {
    this.#createdAt = createdAt
    this.version = version
    this.systemPrompt = systemPrompt
    this.snapshots++
    this.replace(messages)
  }
}
