import type { ConversationMessage } from '../messages/conversation.ts'
import { AppendMessages, CommitTurn } from '../messages/session.ts'
import type { EngineSession } from './engine-sessions.ts'
import { OUTCOME_UNKNOWN } from './end-turn.ts'
import { append, type Turn } from './turn.ts'

/** Mends what an interrupted turn left open, then appends the user's message. */
export async function beginTurn(turn: Turn, session: EngineSession, text: string): Promise<void> {
  turn.session = session
  await mendInterrupted(turn, session)
  await append(turn, [{ role: 'user', content: text }])
}

/**
 * A process that was killed may have left calls without a result; no server takes such a history. They get a result
 * that says so, as part of the turn that made them, and that turn is committed as interrupted.
 */
async function mendInterrupted(turn: Turn, session: EngineSession): Promise<void> {
  const open = [...session.unanswered]
  if (open.length === 0) return
  const messages = open.map(({ call, turn: interrupted }): ConversationMessage => ({
    role: 'tool',
    tool_call_id: call,
    content: OUTCOME_UNKNOWN,
    ...(interrupted === undefined ? {} : { turn: interrupted }),
  }))
  const appended = await turn.scope.execute(AppendMessages, { messages, version: session.version })
  session.version = appended.version
  const interrupted = open[0]?.turn
  if (interrupted === undefined) return
  const committed = await turn.scope.execute(CommitTurn, {
    turn: interrupted,
    status: 'interrupted',
    version: session.version,
  })
  session.version = committed.version
}
