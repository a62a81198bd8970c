import { BuslineError } from '../messages/busline-error.ts'
import { LimitReached } from '../messages/chat.ts'
import type { Turn } from './turn.ts'

/** What one turn may take. At a limit the model is asked once more without tools, so the turn ends in an answer. */
export interface TurnLimits {
  /** Model calls with tools, default 10. */
  maxSteps?: number | undefined
  /** Tokens of all its model calls together, as far as servers tell (default: no limit). */
  maxTokens?: number | undefined
  /** US dollars of all its model calls together (default: no limit). Needs prices: see `usageMeter`. */
  maxCost?: number | undefined
  /** Milliseconds (default: no limit). What runs then is ended; an answer that has begun is the reply. */
  maxDurationMs?: number | undefined
}

/** A limit that was reached, by the name that `finishReason` gives it. */
export interface Reached {
  readonly limit: 'maxSteps' | 'maxTokens' | 'maxCost' | 'maxDuration'
  readonly value: number
  readonly max: number
}

const DEFAULT_STEPS = 10

/** The limits with their default. @throws BuslineError `INVALID_OPTION` for one that is no positive number */
export function checkLimits(limits: TurnLimits): TurnLimits & { maxSteps: number } {
  const { maxSteps = DEFAULT_STEPS, maxTokens, maxCost, maxDurationMs } = limits
  for (const [name, value] of Object.entries({ maxSteps, maxTokens, maxCost, maxDurationMs })) {
    const fits =
      name === 'maxSteps'
        ? Number.isInteger(value) && maxSteps >= 1
        : value === undefined || (typeof value === 'number' && value > 0)
    if (fits) continue
    const must = name === 'maxSteps' ? 'a whole number from 1 on' : 'a number above 0'
    throw new BuslineError('INVALID_OPTION', `${name} must be ${must}, not ${value}.`, {
      data: { option: name },
    })
  }
  return { maxSteps, maxTokens, maxCost, maxDurationMs }
}

/**
 * The limit that a turn has reached, if any; tells it as an event the first time.
 *
 * @throws BuslineError `PRICE_UNKNOWN` when there is a limit of cost and nobody knows what the turn has cost
 */
export function limitReached(turn: Turn, limits: TurnLimits & { maxSteps: number }): Reached | undefined {
  const reached = firstReached(turn, limits)
  if (reached) turn.scope.publish(LimitReached, { turn: turn.id, ...reached })
  return reached
}

function firstReached(turn: Turn, limits: TurnLimits & { maxSteps: number }): Reached | undefined {
  const { maxSteps, maxTokens, maxCost, maxDurationMs } = limits
  if (maxDurationMs !== undefined) {
    const elapsed = turn.scope.now() - turn.started
    if (turn.timeIsUp || elapsed >= maxDurationMs)
      return { limit: 'maxDuration', value: elapsed, max: maxDurationMs }
  }
  if (turn.steps >= maxSteps) return { limit: 'maxSteps', value: turn.steps, max: maxSteps }

  const tokens = turn.usage?.totalTokens ?? 0
  if (maxTokens !== undefined && turn.steps > 0) warnWithoutUsage(turn)
  if (maxTokens !== undefined && tokens >= maxTokens)
    return { limit: 'maxTokens', value: tokens, max: maxTokens }
  if (maxCost === undefined) return undefined
  const cost = costSoFar(turn)
  return cost >= maxCost ? { limit: 'maxCost', value: cost, max: maxCost } : undefined
}

/**
 * What a turn has cost, for a limit of that.
 *
 * @throws BuslineError `PRICE_UNKNOWN` when nobody knows
 */
export function costSoFar(turn: Turn): number {
  const { cost } = turn.spending
  if (typeof cost === 'number') return cost
  if (turn.steps === 0) return 0
  const model = turn.answered?.model ?? 'this model'
  const why =
    cost === undefined
      ? 'nobody prices model calls. Attach usageMeter()'
      : turn.usage === null
        ? `the server tells no usage for ${model}. Limit maxSteps or maxDurationMs`
        : `there is no price for ${model}. Give usageMeter({ prices }) one`
  throw new BuslineError('PRICE_UNKNOWN', `maxCost can't be kept: ${why}.`, { data: { model } })
}

/** A limit that can't be kept is told, once. */
function warnWithoutUsage(turn: Turn): void {
  const code = 'USAGE_UNKNOWN'
  if (turn.usage !== null || turn.warnings.some((warning) => warning.code === code)) return
  turn.warnings.push({ code, message: "maxTokens can't be kept: the server tells no usage." })
}
