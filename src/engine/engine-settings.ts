import * as z from 'zod'
import type { Bus } from '../bus/bus.ts'
import { retryPlan, type RetryOptions, type RetryPlan } from '../bus/retry.ts'
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
  /** Whether anything depends on how long a turn has taken. */
  readonly isTimed: boolean
  /** How one turn is led. */
  conversing(bus: Bus, turn: Turn): Conversing
}

const RETRY = { attempts: 3, delay: 500, maxDelay: 60_000 }

const names = z.array(z.string().min(1))
const rule = z.custom<StopRule>((value) => typeof value === 'function', 'expected a function')

/** What is checked of the options beside the limits; where nothing is said, what their types say. */
const Options = z.object({
  model: z.string().min(1).optional(),
  systemPrompt: z.string().optional(),
  sampling: Sampling.optional(),
  fallbacks: names.default([]),
  retry: z.looseObject({}).optional(),
  stopWhen: z.union([rule.transform((one) => [one]), z.array(rule)]).default([]),
  whileBusy: WhileBusy.default('queue'),
  delayedAfter: z.number().positive().default(10_000),
  maxCallsPerStep: z.number().positive().default(128),
  maxResultLength: z.number().positive().default(RESULT_LENGTH),
})

/** @throws BuslineError `INVALID_OPTION` that names the option */
export function engineSettings(options: ToolChatEngineOptions): EngineSettings {
  const limits = checkLimits(options)
  const checked = parseWith(Options, options, 'toolChatEngine', 'INVALID_OPTION')
  const { model, systemPrompt, fallbacks, stopWhen, whileBusy, delayedAfter } = checked
  const { maxCallsPerStep, maxResultLength, sampling = {} } = checked
  const plan: RetryPlan = retryPlan({ ...RETRY, ...options.retry })

  return {
    defaults: { ...(model !== undefined && { model }), ...(systemPrompt !== undefined && { systemPrompt }) },
    whileBusy,
    maxResultLength,
    maxDurationMs: limits.maxDurationMs,
    isTimed: limits.maxDurationMs !== undefined || stopWhen.length > 0,
    conversing: (bus, turn) => ({
      limits,
      stopWhen,
      maxResultLength,
      asking: {
        model: turn.wishes.model ?? turn.session?.model ?? model ?? null,
        sampling,
        attempts: { plan, fallbacks, after: (ms, run) => bus.after(ms, run) },
        maxCallsPerStep,
        maxSteps: limits.maxSteps,
        delayedAfter,
        after: (ms, run) => bus.after(ms, run),
      },
    }),
  }
}
