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
  said: readonly ConversationMessage[],
  wasTold: (turn: string) => boolean,
): Promise<void> {
  turn.session = session
  await mendInterrupted(turn, session, wasTold)
  await append(turn, said)
  turn.about = said.map(textOf).join('\n')
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
async function mendInterrupted(
  turn: Turn,
  session: EngineSession,
  wasTold: (turn: string) => boolean,
): Promise<void> {
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
  if (wasTold(id)) return
  const error = new BuslineError('INTERRUPTED', 'The process ended in the middle of this turn.')
  turn.scope.publish(TurnFailed, {
    turn: id,
    error: failureOf(error),
    messages: [...(interrupted?.messages ?? []), ...messages],
    usage: null,
  })
}

/**
 * The message of an input. Its wishes are kept with it, but for `extra`, which may hold what belongs in no file.
 *
 * @throws BuslineError `INVALID_REQUEST` for an input that says nothing
 */
export function userMessage(input: UserInput): ConversationMessage {
  const { text, attachments = [] } = input
  const parts = [...(text === '' ? [] : [{ type: 'text', text }]), ...attachments]
  if (parts.length === 0) {
    throw new BuslineError(
      'INVALID_REQUEST',
      'The text of a turn is empty, and nothing is attached. Say something.',
    )
  }
  const { sampling, ...others } = wishesOf([input])
  const { extra: _extra, ...kept } = sampling ?? {}
  const wishes = { ...others, ...(Object.keys(kept).length > 0 && { sampling: kept }) }
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
