import type { Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { RunTurn, type TurnResult } from '../messages/chat.ts'
import { askModel } from './ask-model.ts'
import { beginTurn } from './begin-turn.ts'
import { callTools } from './call-tools.ts'
import { breakTurn, finishTurn } from './end-turn.ts'
import { engineSessions } from './engine-sessions.ts'
import { newTurn, type Turn } from './turn.ts'
import { TurnQueue } from './turn-queue.ts'

export interface ToolChatEngineOptions {
  /** For sessions that have none of their own (default: the provider's). */
  model?: string
  /** For sessions that have none of their own (default: none). */
  systemPrompt?: string
  /** Model calls with tools in one turn, default 10; then the model is asked once more without tools. */
  maxSteps?: number
}

/**
 * Runs turns: one user input up to one final reply, with every model call and tool call between. It talks to the model,
 * the tools and the store in messages only, so any of them can be swapped. Turns of one session run one after another, in
 * the order in which they came; exactly one of `chat.turnFinished`, `chat.turnFailed` and `chat.turnCancelled` ends each.
 */
export function toolChatEngine(options: ToolChatEngineOptions = {}): Participant {
  const { maxSteps = 10, ...defaults } = options
  if (!Number.isInteger(maxSteps) || maxSteps < 1) {
    throw new BuslineError(
      'VALIDATION_FAILED',
      `maxSteps must be a whole number from 1 on, not ${maxSteps}.`,
      { data: { maxSteps } },
    )
  }

  return (bus) => {
    const open = engineSessions(bus)
    const queue = new TurnQueue()

    bus.handle(RunTurn, async function toolChatEngine({ text }, scope) {
      const turn = newTurn(turnOf(scope), scope)
      const session = sessionOf(scope)
      try {
        return await queue.run(session, scope.signal, () =>
          exclusively(turn, async () => {
            scope.signal.throwIfAborted()
            await beginTurn(turn, await open(session, defaults, scope), text)
            return await converse(turn, { model: turn.session?.model ?? defaults.model ?? null, maxSteps })
          }),
        )
      } catch (error) {
        // Cancelled while it waited for its turn: nothing was added, but somebody waits for the end of it.
        await breakTurn(turn, error)
        throw error
      }
    })
  }
}

/** A turn that breaks is ended while it still has the session to itself. */
async function exclusively(turn: Turn, work: () => Promise<TurnResult>): Promise<TurnResult> {
  try {
    return await work()
  } catch (error) {
    await breakTurn(turn, error)
    throw error
  }
}

/** Asks, runs what the model calls, asks again, until an answer in words or the limit. */
async function converse(
  turn: Turn,
  { model, maxSteps }: { model: string | null; maxSteps: number },
): Promise<TurnResult> {
  while (turn.steps < maxSteps) {
    const step = await askModel(turn, { model })
    if (step.calls.length === 0) return await finishTurn(turn, step.text, step.finishReason)
    await callTools(turn, step.calls)
    turn.scope.signal.throwIfAborted()
  }
  const last = await askModel(turn, { model, limit: 'maxSteps' })
  return await finishTurn(turn, last.text, last.finishReason)
}

function sessionOf({ session }: Scope): string {
  if (session !== undefined) return session
  throw new BuslineError(
    'INVALID_REQUEST',
    'A turn needs a session: execute chat.runTurn on bus.session(id).',
  )
}

function turnOf(scope: Scope): string {
  return scope.turn ?? scope.message.id
}
