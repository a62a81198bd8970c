import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { fieldOf, listIn, textIn } from './read-field.ts'
import { messagesAttribute, spokenMessage, textPart, type SpokenMessage } from './message-content.ts'
import { RecentMap } from './recent-map.ts'

/** How many messages are remembered at least: a request that refers to older ones is shown without them. */
const REMEMBERED = 1_000
const SESSIONS = 500

/**
 * What the records told of messages, because a model call names those that it sent by their ids only. Bounded; what it does not
 * know is left out of a request rather than guessed.
 */
export class ToldMessages {
  #messages = new RecentMap<string, SpokenMessage>(REMEMBERED)
  #prompts = new RecentMap<string, string>(SESSIONS)

  take({ kind, type, session, data, output }: JournalRecord): void {
    if (kind === 'result' && type === MESSAGE_TYPES.openSession) {
      this.#learn(listIn(output, 'messages'))
      this.#prompt(textIn(output, 'id'), fieldOf(output, 'systemPrompt'))
    }
    if (kind !== 'command') return
    if (type === MESSAGE_TYPES.appendMessages || type === MESSAGE_TYPES.updateSession)
      this.#learn(listIn(data, 'messages'))
    if (type === MESSAGE_TYPES.updateSession)
      this.#prompt(typeof session === 'string' ? session : undefined, fieldOf(data, 'systemPrompt'))
    if (type === MESSAGE_TYPES.editMessages) for (const edit of listIn(data, 'edits')) this.#edit(edit)
  }

  /** The messages of a request by their ids, as one attribute. */
  sent(ids: readonly unknown[]): string | undefined {
    const known = ids.flatMap((id) => (typeof id === 'string' ? (this.#messages.get(id) ?? []) : []))
    return messagesAttribute(known)
  }

  /** The system prompt of a session, as one attribute. */
  instructions(session: string | undefined): string | undefined {
    const prompt = session === undefined ? undefined : this.#prompts.get(session)
    return prompt === undefined ? undefined : JSON.stringify([textPart(prompt)])
  }

  #learn(messages: readonly unknown[]): void {
    for (const message of messages) {
      const id = textIn(message, 'id')
      const spoken = spokenMessage(message)
      if (id !== undefined && spoken) this.#messages.set(id, spoken)
    }
  }

  #prompt(session: string | undefined, prompt: unknown): void {
    if (session === undefined || prompt === undefined) return
    if (typeof prompt === 'string') this.#prompts.set(session, prompt)
    else this.#prompts.delete(session)
  }

  /** What was changed is forgotten, unless it stands there whole: to work edits out is the store's job. */
  #edit(edit: unknown): void {
    const op = textIn(edit, 'op')
    const id = textIn(edit, 'id')
    if (id !== undefined && op !== 'mark') this.#messages.delete(id)
    if (op === 'replace') this.#learn([fieldOf(edit, 'message')])
    if (op === 'insert') this.#learn(listIn(edit, 'messages'))
  }
}
