import type { Bus } from '../bus/bus.ts'
import { retryPlan, type RetryOptions, type RetryPlan } from '../bus/retry.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { WhileBusy } from '../messages/chat.ts'
import { Sampling } from '../messages/model.ts'
import { parseWith } from '../messages/schema.ts'
import { RESULT_LENGTH } from '../messages/tool.ts'
import type { Conversing } from './converse.ts'
import { checkLimits, type TurnLimits } from './limits.ts'
import type { StopRule } from './stop-rules.ts'
import type { Turn } from './turn.ts'

export interface ToolChatEngineOptions extends TurnLimits {
  /** For sessions that have none of their own (default: the provider's). */
  model?: string | undefined
  /** For sessions that have none of their own (default: none). */
  systemPrompt?: string | undefined
  /** How models are to answer; a turn's own `sampling` wins, field by field. */
  sampling?: Sampling | undefined
  /** Models to ask after the first, in this order, when that one's server fails (default: none). */
  fallbacks?: readonly string[] | undefined
  /**
   * How failures that may pass are tried again (default: 3 attempts, after up to 0.5 and 1 s, or as long as the server asks,
   * up to a minute).
   */
  retry?: RetryOptions | undefined
  /** What ends a turn after tools have run, beside its limits (default: nothing). */
  stopWhen?: StopRule | readonly StopRule[] | undefined
  /** What becomes of input that comes while a turn runs (default `queue`); an input's own choice wins. */
  whileBusy?: WhileBusy | undefined
  /** Milliseconds after which `model.answerDelayed` tells that nothing was heard yet, and again each time (default 10 000). */
  delayedAfter?: number | undefined
  /** Calls of one answer that run; the model is told of the others (default 128, as many tools as OpenAI takes). */
  maxCallsPerStep?: number | undefined
  /**
   * Characters of a tool's result that the model is shown (default 20 000). The tool manager keeps what is longer than its own
   * `results.over` for reading on: set both.
   */
  maxResultLength?: number | undefined
}

/** The options, checked, with their defaults. */
export interface EngineSettings {
  readonly defaults: { model?: string; systemPrompt?: string }
  readonly whileBusy: WhileBusy
  readonly maxResultLength: number
  readonly maxDurationMs: number | undefined
  /** How one turn is led. */
  conversing(bus: Bus, turn: Turn): Conversing
}

const RETRY = { attempts: 3, delay: 500, maxDelay: 60_000 }

/** @throws BuslineError `INVALID_OPTION` */
export function engineSettings(options: ToolChatEngineOptions): EngineSettings {
  const { model, systemPrompt, fallbacks = [], stopWhen = [] } = options
  const limits = checkLimits(options)
  const plan: RetryPlan = retryPlan({ ...RETRY, ...options.retry })
  const sampling = parseWith(Sampling, options.sampling ?? {}, 'sampling', 'INVALID_OPTION')
  const whileBusy = parseWith(WhileBusy, options.whileBusy ?? 'queue', 'whileBusy', 'INVALID_OPTION')
  const delayedAfter = positive('delayedAfter', options.delayedAfter ?? 10_000)
  const maxCallsPerStep = positive('maxCallsPerStep', options.maxCallsPerStep ?? 128)
  const maxResultLength = positive('maxResultLength', options.maxResultLength ?? RESULT_LENGTH)
  const rules = typeof stopWhen === 'function' ? [stopWhen] : stopWhen

  return {
    defaults: { ...(model !== undefined && { model }), ...(systemPrompt !== undefined && { systemPrompt }) },
    whileBusy,
    maxResultLength,
    maxDurationMs: limits.maxDurationMs,
    conversing: (bus, turn) => ({
      limits,
      stopWhen: rules,
      maxResultLength,
      asking: {
        model: turn.wishes.model ?? turn.session?.model ?? model ?? null,
        sampling,
        attempts: { plan, fallbacks },
        maxCallsPerStep,
        delayedAfter,
        after: (ms, run) => bus.after(ms, run),
      },
    }),
  }
}

function positive(option: string, value: number): number {
  if (value > 0) return value
  throw new BuslineError('INVALID_OPTION', `${option} must be a number above 0, not ${value}.`, {
    data: { option },
  })
}
