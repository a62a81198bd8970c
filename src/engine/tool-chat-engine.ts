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
import { beginTurn, wishesOf, type UserInput } from './begin-turn.ts'
import { converse } from './converse.ts'
import { breakTurn } from './end-turn.ts'
import { engineSessions } from './engine-sessions.ts'
import { engineSettings, type ToolChatEngineOptions } from './engine-settings.ts'
import { followTurns } from './follow-turns.ts'
import { resumeTurn } from './resume-turn.ts'
import { Turn } from './turn.ts'
import { TurnQueue, type Input } from './turn-queue.ts'

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
    const queue = new TurnQueue<UserInput | undefined, TurnResult>()

    bus.handle(RunTurn, function toolChatEngine(input, scope) {
      const turn = new Turn(scope.turn ?? scope.message.id, scope)
      return inQueue(queue, turn, {
        input,
        whileBusy: input.whileBusy ?? settings.whileBusy,
        work: async (inputs) => {
          const session = await open(sessionOf(scope), settings.defaults, scope)
          turn.wishes = wishesOf(inputs)
          await beginTurn(turn, session, inputs)
          turn.throwIfCancelled()
          return await follow(turn, () => converse(turn, settings.conversing(bus, turn)))
        },
      })
    })

    bus.handle(ResumeTurn, async function toolChatEngine(_input, scope) {
      const session = await open(sessionOf(scope), settings.defaults, scope)
      const turn = session.interrupted?.id
      if (turn === undefined) return null
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
      return await inQueue(queue, turn, {
        input: undefined,
        whileBusy: 'queue',
        work: async () => {
          const { interrupted } = session
          if (interrupted?.id !== id) {
            // No turn of ours then, so there is no end to tell.
            turn.ended = true
            throw new NotInterrupted(id)
          }
          return await follow(turn, () =>
            resumeTurn(turn, session, interrupted, {
              maxResultLength: settings.maxResultLength,
              goOn: () => converse(turn, settings.conversing(bus, turn)),
            }),
          )
        },
      })
    })
  }
}

/** One turn, from its place in the queue to its end. */
async function inQueue(
  queue: TurnQueue<UserInput | undefined, TurnResult>,
  turn: Turn,
  how: {
    input: UserInput | undefined
    whileBusy: WhileBusy
    work: (inputs: readonly UserInput[]) => Promise<TurnResult>
  },
): Promise<TurnResult> {
  const { id, scope } = turn
  const { input, whileBusy, work } = how
  const entry: Input<UserInput | undefined, TurnResult> = {
    id,
    input,
    whileBusy,
    signal: scope.signal,
    turn: (together) => exclusively(turn, () => work(together.flatMap((one) => one.input ?? []))),
    interrupt: (reason) => turn.interrupt(reason),
    joined: (into) => {
      // The turn that took it in tells the end of both.
      turn.ended = true
      scope.publish(InputJoined, { turn: id, into })
    },
  }
  try {
    return await queue.run(sessionOf(scope), entry)
  } catch (error) {
    // Refused, or cancelled while it waited for its turn: nothing was added, but somebody waits for the end of it.
    await breakTurn(turn, error)
    throw error
  }
}

/** A turn that breaks is ended while it still has the session to itself. */
async function exclusively(turn: Turn, work: () => Promise<TurnResult>): Promise<TurnResult> {
  try {
    turn.started = turn.scope.now()
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
