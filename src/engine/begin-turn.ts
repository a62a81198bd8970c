import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { RunTurn, TurnFailed } from '../messages/chat.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { failureOf } from '../messages/failure.ts'
import { CommitTurn } from '../messages/session.ts'
import { append, appendTo, atCurrentVersion } from './append-messages.ts'
import { OUTCOME_UNKNOWN } from './end-turn.ts'
import type { EngineSession } from './engine-sessions.ts'
import type { Turn, TurnWishes } from './turn.ts'

/** What a user says: the input of one `chat.runTurn`. */
export type UserInput = z.output<typeof RunTurn.input>

/** Mends what an interrupted turn left open, then appends the user's messages. */
export async function beginTurn(
  turn: Turn,
  session: EngineSession,
  inputs: readonly UserInput[],
): Promise<void> {
  turn.session = session
  await mendInterrupted(turn, session)
  await append(turn, inputs.map(userMessage))
  turn.about = inputs.map(({ text }) => text).join('\n')
}

/** What a turn of these inputs asks for: the last word on each counts. */
export function wishesOf(inputs: readonly UserInput[]): TurnWishes {
  const wishes: TurnWishes = {}
  return inputs.reduce((before, { model, sampling, schema }) => {
    return {
      ...before,
      ...(model !== undefined && { model }),
      ...(sampling && { sampling }),
      ...(schema && { schema }),
    }
  }, wishes)
}

const Wishes = RunTurn.input.pick({ model: true, sampling: true, schema: true })

/** What the turn of a message asked for beside its text, for one that goes on after a crash. */
export function wishesIn(message: ConversationMessage | undefined): TurnWishes {
  return Wishes.safeParse(message?.meta?.['wishes']).data ?? {}
}

/**
 * What stays of a turn that a crash ended, when its user says something new: calls without a result get one that says so, for
 * no server takes such a history; the turn is committed as interrupted, and it is told that it failed.
 */
async function mendInterrupted(turn: Turn, session: EngineSession): Promise<void> {
  const { interrupted, unanswered } = session
  const id = interrupted?.id ?? unanswered[0]?.turn
  if (id === undefined && unanswered.length === 0) return
  session.interrupted = undefined
  const messages = unanswered.map(({ call, turn: of }): ConversationMessage => ({
    role: 'tool',
    tool_call_id: call,
    content: OUTCOME_UNKNOWN,
    ...(of === undefined ? {} : { turn: of }),
  }))
  if (messages.length > 0) await appendTo(turn, session, messages)
  if (id === undefined) return
  await atCurrentVersion(session, (version) =>
    turn.scope.execute(CommitTurn, { turn: id, status: 'interrupted', version }),
  )
  const error = new BuslineError('INTERRUPTED', 'The process ended in the middle of this turn.')
  turn.scope.publish(TurnFailed, {
    turn: id,
    error: failureOf(error),
    messages: [...(interrupted?.messages ?? []), ...messages],
    usage: null,
  })
}

function userMessage(input: UserInput): ConversationMessage {
  const { text, attachments = [] } = input
  const parts = [...(text === '' ? [] : [{ type: 'text', text }]), ...attachments]
  if (parts.length === 0) {
    throw new BuslineError(
      'INVALID_REQUEST',
      'The text of a turn is empty, and nothing is attached. Say something.',
    )
  }
  const wishes = wishesOf([input])
  return {
    role: 'user',
    content: attachments.length > 0 ? parts : text,
    ...(Object.keys(wishes).length > 0 && { meta: { wishes } }),
  }
}

/** The text of the last thing that a user said, to find tools by. */
export function lastWords(messages: readonly ConversationMessage[]): string {
  const last = messages.findLast(({ role }) => role === 'user')
  return last ? textOf(last) : ''
}
