import { isSessionId } from '../sessions/session-id.ts'
import type { Fork } from './fork-run.ts'
import type { PlannedTurn, RunPlan } from './run-plan.ts'

/** One turn that is to run: gone on with where `resumes`, else said again. */
export interface Step {
  session: string
  turn: string
  resumes: boolean
  input: unknown
  parent: PlannedTurn | undefined
}

/** First what was open at the line, in the order in which it had begun, then what follows. */
export function stepsOf({ turns, nested }: RunPlan, fork: Fork): Step[] {
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
      parent: undefined,
    })),
    ...turns
      .filter(({ turn, line, session }) => {
        return isSessionId(session) && (open.has(turn) || waiting.has(turn) || line > fork.at)
      })
      .map((parent): Step => {
        const { turn, session } = parent
        const input = waiting.get(turn) ?? parent.input
        return { session, turn, resumes: open.has(turn), input, parent }
      }),
  ]
}
