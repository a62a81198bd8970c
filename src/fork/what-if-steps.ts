import { isSessionId } from '../sessions/session-id.ts'
import type { Fork } from './fork-run.ts'
import type { RunPlan, TurnEnd } from './run-plan.ts'

/** One turn that is to run: gone on with where `resumes`, else said again. */
export interface Step {
  session: string
  turn: string
  resumes: boolean
  input: unknown
  /** How it ended in the parent; null when it did not. */
  end: TurnEnd | null
}

/** First what was open at the line, in the order in which it had begun, then what follows. */
export function stepsOf({ turns, continued, nested }: RunPlan, fork: Fork): Step[] {
  const known = new Set(turns.map(({ turn }) => turn))
  const open = new Map(
    [...fork.sessions.values()].flatMap(({ id, openTurn }) => {
      const isMeant = openTurn !== undefined && !nested.has(openTurn) && isSessionId(id)
      return isMeant ? [[openTurn, id] as const] : []
    }),
  )
  const waiting = new Map(fork.waiting.map(({ turn, input }) => [turn, input]))
  const earlier = [...open].filter(([turn]) => !known.has(turn))
  return [
    ...earlier.map(([turn, session]): Step => ({
      session,
      turn,
      resumes: true,
      input: null,
      end: continued.get(turn) ?? null,
    })),
    ...turns
      .filter(({ turn, line, session }) => {
        return isSessionId(session) && (open.has(turn) || waiting.has(turn) || line > fork.at)
      })
      .map(({ turn, session, input, end }): Step => {
        return { session, turn, resumes: open.has(turn), input: waiting.get(turn) ?? input, end }
      }),
  ]
}
