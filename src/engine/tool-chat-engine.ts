import type { Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import {
  ContinueTurn,
  InputJoined,
  ResumeTurn,
  RunTurn,
  type TurnResult,
  type WhileBusy,
} from '../messages/chat.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { beginTurn, userMessage, wishesOf, type UserInput } from './begin-turn.ts'
import { converse } from './converse.ts'
import { breakTurn } from './end-turn.ts'
import { engineSessions } from './engine-sessions.ts'
import { engineSettings, type ToolChatEngineOptions } from './engine-settings.ts'
import { followTurns } from './follow-turns.ts'
import { resumeTurn } from './resume-turn.ts'
import { mayShareTurn } from './share-turn.ts'
import { ToldTurns } from './told-turns.ts'
import { Turn } from './turn.ts'
import { TurnQueue } from './turn-queue.ts'

/**
 * Runs turns: one user input up to one final reply, with every model call and tool call between. It talks to the model,
 * the tools and the store in messages only, so any of them can be swapped. Turns of one session run one after another;
 * exactly one of `chat.turnFinished`, `chat.turnFailed` and `chat.turnCancelled` ends each.
 *
 * Attach it before what looks into `model.call` (usageMeter, structuredOutput), so that it hears what those make of it.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function toolChatEngine(options: ToolChatEngineOptions = {}): Participant {
  const settings = engineSettings(options)

  return function toolChatEngine(bus) {
    const open = engineSessions(bus)
    const follow = followTurns(bus, settings.maxDurationMs)
    const queue: Queue = new TurnQueue()
    const told = new ToldTurns()

    bus.handle(RunTurn, async function toolChatEngine(input, scope) {
      const turn = new Turn(scope.turn ?? scope.message.id, scope)
      return await inQueue({ queue, told, turn }, () => ({
        input: { said: userMessage(input), wishes: input },
        whileBusy: input.whileBusy ?? settings.whileBusy,
        work: async (inputs) => {
          if (settings.isTimed) turn.started = scope.now()
          const session = await open(sessionOf(scope), settings.defaults, scope)
          turn.wishes = wishesOf(inputs.map(({ wishes }) => wishes))
          const said = inputs.map((one) => one.said)
          await beginTurn(turn, session, said, (id) => told.has(id))
          turn.throwIfCancelled()
          return await follow(turn, () => converse(turn, settings.conversing(bus, turn)))
        },
      }))
    })

    bus.handle(ResumeTurn, async function toolChatEngine(_input, scope) {
      const session = await open(sessionOf(scope), settings.defaults, scope)
      const turn = session.interrupted?.id
      // One whose end was told here has ended, whatever became of its commit.
      if (turn === undefined || told.has(turn)) return null
      try {
        return await scope.execute(ContinueTurn, { turn }, { turn })
      } catch (error) {
        // Somebody else was first, or had something new to say.
        if (error instanceof NotInterrupted) return null
        throw error
      }
    })

    bus.handle(ContinueTurn, async function toolChatEngine({ turn: id }, scope) {
      const session = await open(sessionOf(scope), settings.defaults, scope)
      const turn = new Turn(id, scope)
      return await inQueue({ queue, told, turn }, () => ({
        input: undefined,
        whileBusy: 'queue',
        work: async () => {
          if (settings.isTimed) turn.started = scope.now()
          const { interrupted } = session
          if (interrupted?.id !== id) {
            // No turn of ours then, so there is no end to tell.
            turn.ended = true
            throw new NotInterrupted(id)
          }
          return await follow(turn, () =>
            resumeTurn(turn, session, interrupted, () => settings.conversing(bus, turn)),
          )
        },
      }))
    })
  }
}

/** What a user said, as a message, and what is wished for beside it. */
interface Said {
  readonly said: ConversationMessage
  readonly wishes: UserInput
}

function hasSameSchema(one: Said | undefined, other: Said | undefined): boolean {
  return JSON.stringify(one?.wishes.schema) === JSON.stringify(other?.wishes.schema)
}

type Queue = TurnQueue<Said | undefined, TurnResult>

/** One turn, from its place in the queue to its end. What refuses its input ends it too. */
async function inQueue(
  { queue, told, turn }: { queue: Queue; told: ToldTurns; turn: Turn },
  prepare: () => {
    input: Said | undefined
    whileBusy: WhileBusy
    work: (inputs: readonly Said[]) => Promise<TurnResult>
  },
): Promise<TurnResult> {
  const { id, scope } = turn
  try {
    const { input, whileBusy, work } = prepare()
    return await queue.run(sessionOf(scope), {
      id,
      command: scope.message.id,
      input,
      whileBusy,
      signal: scope.signal,
      context: scope.context,
      fits: (other) => mayShareTurn(scope.context, other.context) && hasSameSchema(input, other.input),
      turn: (together) => exclusively(turn, () => work(together.flatMap((one) => one.input ?? []))),
      interrupt: (reason) => turn.interrupt(reason),
      joined: (into) => {
        // The turn that took it in tells the end of both.
        turn.ended = true
        scope.publish(InputJoined, { turn: id, into })
      },
    })
  } catch (error) {
    // Going on with a turn that never began to: it is interrupted still.
    if (!turn.began && scope.message.type === ContinueTurn.type) throw error
    // Refused, or cancelled while it waited for its turn: nothing was added, but somebody waits for the end of it.
    await breakTurn(turn, error)
    throw error
  } finally {
    if (turn.ended) told.add(id)
  }
}

/** A turn that breaks is ended while it still has the session to itself. */
async function exclusively(turn: Turn, work: () => Promise<TurnResult>): Promise<TurnResult> {
  try {
    turn.began = true
    turn.scope.signal.throwIfAborted()
    return await work()
  } catch (error) {
    await breakTurn(turn, error)
    throw error
  }
}

function sessionOf({ session }: Scope): string {
  if (session !== undefined) return session
  throw new BuslineError(
    'INVALID_REQUEST',
    'A turn needs a session: execute chat.runTurn on bus.session(id).',
  )
}

class NotInterrupted extends BuslineError {
  constructor(turn: string) {
    super('INVALID_REQUEST', `Turn ${turn} was not interrupted, or goes on already.`, { data: { turn } })
  }
}
