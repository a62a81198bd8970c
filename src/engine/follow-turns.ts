import * as z from 'zod'
import type { Bus } from '../bus/bus.ts'
import { TokenUsage } from '../messages/conversation.ts'
import { CallModel, ModelTextReceived } from '../messages/model.ts'
import type { Turn } from './turn.ts'

/** What a turn's sum needs of an answer. */
const Told = z.object({ usage: TokenUsage.nullable(), cost: z.number().nullable().optional() })

/**
 * Follows the model calls of the turns that run: which of a turn's own is under way and what was heard of it, and what those
 * took that others make in its name (a summary, a repair, a tool that asks a model). Ends the work of one whose time is up.
 */
export function followTurns(
  bus: Bus,
  maxDurationMs: number | undefined,
): <T>(turn: Turn, work: () => Promise<T>) => Promise<T> {
  const turns = new Map<string, Turn>()

  bus.use(
    async function followTurns(message, next) {
      const turn = message.turn === undefined ? undefined : turns.get(message.turn)
      if (!turn) return await next()
      if (message.cause === turn.scope.message.id) {
        turn.call = message.id
        turn.speaking = message.id
        return await next()
      }
      // The repair of its answer: what was said before does not count any more.
      if (message.cause === turn.call) {
        turn.speaking = message.id
        turn.heard = ''
      }
      try {
        const answer = await next()
        const told = Told.safeParse(answer)
        if (told.success) turn.spending.add(told.data.usage, told.data.cost)
        return answer
      } catch (error) {
        turn.spending.addFailed(error)
        throw error
      }
    },
    { for: [CallModel] },
  )
  bus.on(ModelTextReceived, function followTurns({ text }, scope) {
    const turn = scope.turn === undefined ? undefined : turns.get(scope.turn)
    if (turn && scope.message.cause === turn.speaking) turn.heard += text
  })

  return async (turn, work) => {
    turns.set(turn.id, turn)
    const stopClock =
      maxDurationMs === undefined ? undefined : turn.limitTime(maxDurationMs, (ms, run) => bus.after(ms, run))
    try {
      return await work()
    } finally {
      stopClock?.()
      turns.delete(turn.id)
    }
  }
}
