import { modelTraits } from './anthropic-models.ts'

/** The part of a request that says how much the model is to think. */
export interface ThinkingFields {
  thinking?: Record<string, unknown>
  effort?: string
  /** What `max_tokens` has to leave room for beside the answer. */
  budget: number
}

/** Thinking tokens of an effort, for models that take a budget; the least that the API takes is 1024. */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 2048],
  ['medium', 8192],
  ['high', 16_384],
  ['xhigh', 32_768],
  ['max', 32_768],
])
const LEAST_BUDGET = 1024
const MEDIUM_BUDGET = 8192

/**
 * A reasoning effort in Anthropic's words. Models up to Claude 4.5 take a budget of tokens (`minimal` 1024, `low` 2048,
 * `medium` 8192, `high` 16384, `xhigh` and `max` 32768; at most half of `maxTokens` or of what the model can say, and no
 * thinking where less than 1024 are left). Later ones, and names that tell no version, decide themselves (`adaptive`) and
 * take the effort as it is, `minimal` as `low`. `none` switches thinking off; with models that can't be without, it is the
 * least effort (Claude Sonnet 5.5's `between_tools` takes no `block_binding`; ask for it in `extra`). A tool that is forced goes without thinking, which the API demands.
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking, …/adaptive-thinking, …/effort
 */
export function thinkingFields(
  effort: string | undefined,
  { model, maxTokens, forcesTool }: { model: string; maxTokens: number | undefined; forcesTool: boolean },
): ThinkingFields {
  const { thinks, canBeSilenced, maxOutput } = modelTraits(model)
  if (effort === undefined || thinks === 'never') return { budget: 0 }
  if (effort === 'none') {
    return canBeSilenced ? { thinking: { type: 'disabled' }, budget: 0 } : { effort: 'low', budget: 0 }
  }
  if (thinks === 'effort') {
    const words = { effort: effort === 'minimal' ? 'low' : effort, budget: 0 }
    return forcesTool ? words : { ...words, thinking: { type: 'adaptive' } }
  }

  const wanted = BUDGETS.get(effort) ?? MEDIUM_BUDGET
  const budget = Math.min(wanted, Math.floor(Math.min(maxTokens ?? maxOutput, maxOutput) / 2))
  if (forcesTool || budget < LEAST_BUDGET) return { budget: 0 }
  return { thinking: { type: 'enabled', budget_tokens: budget }, budget }
}
