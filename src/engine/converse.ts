import { BuslineError } from '../messages/busline-error.ts'
import type { TurnResult } from '../messages/chat.ts'
import { askForWords, askModel, type Asking, type Step } from './ask-model.ts'
import { callTools } from './call-tools.ts'
import { finishTurn, keepPartial, partialText } from './end-turn.ts'
import { costSoFar, limitReached, type Reached, type TurnLimits } from './limits.ts'
import type { StopRule } from './stop-rules.ts'
import type { Turn } from './turn.ts'

/** How a turn is led from its question to its reply. */
export interface Conversing {
  readonly asking: Asking
  readonly limits: TurnLimits & { maxSteps: number }
  readonly stopWhen: readonly StopRule[]
  readonly maxResultLength: number
}

/** Asks, runs what the model calls, asks again, until an answer in words, a stop rule, or a limit. */
export async function converse(turn: Turn, conversing: Conversing): Promise<TurnResult> {
  const { asking, limits, maxResultLength } = conversing
  for (;;) {
    const reached = limitReached(turn, limits)
    if (reached) return await endAtLimit(turn, asking, reached)
    const step = await inTime(turn, () => askModel(turn, asking))
    if (!step) continue
    if ('partial' in step) return await endWithPartial(turn, step.partial)
    if (step.calls.length === 0) return await finishTurn(turn, step.text, step.finishReason)

    // Before a tool does anything: a limit of cost that nobody can keep fails the turn.
    if (limits.maxCost !== undefined) costSoFar(turn)
    await callTools(turn, step.calls, { maxResultLength })
    turn.throwIfCancelled()
    if (isToStop(turn, conversing, step.text)) return await endByRule(turn, asking, step.text)
  }
}

/** The same from where tools have run; `text` is what the model said beside their calls. */
export async function goOnAfterTools(turn: Turn, conversing: Conversing, text: string): Promise<TurnResult> {
  if (isToStop(turn, conversing, text)) return await endByRule(turn, conversing.asking, text)
  return await converse(turn, conversing)
}

function isToStop(turn: Turn, { stopWhen }: Conversing, text: string): boolean {
  return stopWhen.some((rule) => {
    const stops: unknown = rule(stateOf(turn, text))
    if (typeof stops === 'boolean') return stops
    throw new BuslineError(
      'INVALID_OPTION',
      `The stop rule ${rule.name} must return true or false at once.`,
      {
        data: { option: 'stopWhen' },
      },
    )
  })
}

/** A step; what had been said of it, or nothing, when the turn's time was up before its end. */
async function inTime(
  turn: Turn,
  step: () => Promise<Step>,
): Promise<Step | { partial: string } | undefined> {
  try {
    return await step()
  } catch (error) {
    if (!turn.timeIsUp || turn.isCancelled) throw error
    const partial = partialText(error) || turn.heard
    turn.heard = ''
    return partial === '' ? undefined : { partial }
  }
}

const LONGEST_LAST_ANSWER = 10_000

/** Asks once more without tools. Where time was the limit, the last answer gets as long again, at most ten seconds. */
async function endAtLimit(turn: Turn, asking: Asking, { limit, max }: Reached): Promise<TurnResult> {
  if (limit !== 'maxDuration') {
    const last = await inTime(turn, () => askForWords(turn, asking, { limit }))
    if (last && 'text' in last) return await finishTurn(turn, last.text, last.finishReason)
    return await endWithPartial(turn, last?.partial)
  }
  turn.renewSignal()
  const timeout = Math.min(max, LONGEST_LAST_ANSWER)
  const last = await inTime(turn, () => askForWords(turn, asking, { limit, timeout }))
  if (last && 'text' in last) return await finishTurn(turn, last.text, limit)
  return await endWithPartial(turn, last?.partial)
}

/** The time was up: what the model had said is the reply, else words of ours. */
async function endWithPartial(
  turn: Turn,
  partial = 'The time of this turn was up before an answer came.',
): Promise<TurnResult> {
  // Nobody tells what an answer took that was broken off.
  turn.spending.add(null, null)
  await keepPartial(turn, partial)
  return await finishTurn(turn, partial, 'maxDuration')
}

async function endByRule(turn: Turn, asking: Asking, text: string): Promise<TurnResult> {
  // Words beside a call are no value, where one was asked for.
  if (text !== '' && !turn.wishes.schema) return await finishTurn(turn, text, 'stopRule')
  const last = await inTime(turn, () => askForWords(turn, asking, { limit: 'stopRule' }))
  if (last && 'text' in last) return await finishTurn(turn, last.text, last.finishReason)
  return await endWithPartial(turn, last?.partial)
}

function stateOf(turn: Turn, text: string): Parameters<StopRule>[0] {
  const { steps, toolCalls, usage, spending, started, scope } = turn
  return { steps, toolCalls, text, usage, cost: spending.cost, elapsedMs: scope.now() - started }
}
