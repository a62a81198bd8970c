import { BuslineError } from '../messages/busline-error.ts'
import { HistoryMessage, type ConversationMessage } from '../messages/conversation.ts'
import { AppendMessages } from '../messages/session.ts'
import type { EngineSession } from './engine-sessions.ts'
import type { Turn } from './turn.ts'

/** Appends messages of the turn to its session; they get the turn's id and their place in it. */
export async function append(turn: Turn, messages: readonly ConversationMessage[]): Promise<void> {
  if (!turn.session || messages.length === 0) return
  const next = turn.messages.length
  const added = messages.map((message, index) =>
    HistoryMessage.parse({ ...message, id: `${turn.id}/${next + index}`, turn: turn.id }),
  )
  await appendTo(turn, turn.session, added)
  for (const message of added) turn.messages.push(message)
}

/** How often a version that was raised meanwhile is read again. */
const TRIES = 8

/**
 * Appends at the end, whatever the version: a turn has its session's end to itself, and what a tool or a program changes
 * elsewhere in the session meanwhile (its name, its context, marks) is no reason to fail it.
 */
export async function appendTo(
  turn: Turn,
  session: EngineSession,
  messages: ConversationMessage[],
): Promise<void> {
  await atCurrentVersion(session, (version) => turn.scope.execute(AppendMessages, { messages, version }))
}

/** Runs a change at the session's version, once more where that was raised meanwhile. */
export async function atCurrentVersion(
  session: EngineSession,
  change: (version: number) => Promise<{ version: number }>,
): Promise<void> {
  for (let left = TRIES; ; left--) {
    try {
      session.version = (await change(session.version)).version
      return
    } catch (error) {
      const actual =
        error instanceof BuslineError && error.code === 'VERSION_CONFLICT' && error.data['actual']
      if (typeof actual !== 'number' || left === 0) throw error
      session.version = actual
    }
  }
}
