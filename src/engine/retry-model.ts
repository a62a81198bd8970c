import { retryIn, type RetryPlan } from '../bus/retry.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import {
  CallModel,
  ModelAnswerSuperseded,
  ModelAttemptFailed,
  ModelRouted,
  type ModelAnswer,
  type ModelRequest,
} from '../messages/model.ts'
import { isTransient } from '../messages/transient.ts'
import { partialText } from './end-turn.ts'
import { pause } from './pause.ts'
import type { Turn } from './turn.ts'

/** How often a model is asked, and which others after it. */
export interface Attempts {
  readonly plan: RetryPlan
  readonly fallbacks: readonly string[]
  readonly after: (ms: number, run: () => void) => () => void
}

/**
 * Asks for one answer: again after a failure that may pass, then the next model. Each attempt is a command of its own. One
 * that nothing was heard of is repeated without a trace on a screen; what was heard of one that broke off is marked as
 * superseded. Nothing but the question is repeated: tools that have run are in the history.
 */
export async function answerOf(
  turn: Turn,
  request: ModelRequest,
  { plan, fallbacks, after }: Attempts,
): Promise<ModelAnswer> {
  const models = [request.model, ...fallbacks.filter((model) => model !== request.model)]
  for (let place = 0; ; place++) {
    const model = models[place] ?? null
    try {
      return await attempts(turn, { ...request, model }, { plan, after })
    } catch (error) {
      const next = models[place + 1]
      if (typeof next !== 'string' || turn.signal.aborted || !mayAnotherModelHelp(error)) throw error
      retract(turn, error)
      const { message } = failureOf(error)
      turn.scope.publish(ModelRouted, { from: model, to: next, error: failureOf(error) })
      turn.warnings.push({
        code: 'MODEL_ROUTED',
        message: `${next} was asked in place of ${model}: ${message}`,
      })
    }
  }
}

async function attempts(
  turn: Turn,
  request: ModelRequest,
  { plan, after }: Pick<Attempts, 'after' | 'plan'>,
): Promise<ModelAnswer> {
  const { scope } = turn
  for (let attempt = 1; ; attempt++) {
    turn.heard = ''
    try {
      return await scope.execute(CallModel, request, { signal: turn.signal })
    } catch (error) {
      turn.spending.addFailed(error)
      const wait = isTransient(error) ? retryIn(plan, attempt, error, () => scope.random()) : undefined
      if (wait === undefined || turn.isCancelled || turn.signal.aborted) throw error
      const text = heardOf(turn, error)
      retract(turn, error)
      scope.publish(ModelAttemptFailed, {
        attempt,
        retryIn: wait,
        error: failureOf(error),
        model: request.model,
        ...(turn.call !== undefined && { call: turn.call }),
        ...(text !== '' && { text }),
      })
      await pause(turn, wait, after)
    }
  }
}

/** Marks what was heard of an answer as superseded; an answer of which nothing was heard leaves no trace. */
function retract(turn: Turn, error: unknown): void {
  const text = heardOf(turn, error)
  if (text === '' || turn.call === undefined) return
  turn.scope.publish(ModelAnswerSuperseded, { call: turn.call, text })
  turn.heard = ''
}

/** What had come of the answer: what the provider's error holds, or what its listeners heard. */
function heardOf(turn: Turn, error: unknown): string {
  return partialText(error) || turn.heard
}

const ANOTHER_MODEL: ReadonlySet<string> = new Set([
  'ANSWER_CUT',
  'AUTHENTICATION_FAILED',
  'MODEL_UNAVAILABLE',
  'PERMISSION_DENIED',
  'PROVIDER_FAILED',
  'RATE_LIMITED',
  'TIMED_OUT',
])

/** Whether the failure is that of a model or its server, and not of the question. 404: no such model there. */
function mayAnotherModelHelp(error: unknown): boolean {
  if (!(error instanceof BuslineError)) return false
  return ANOTHER_MODEL.has(error.code) || error.data['status'] === 404
}
