/** The part of a request that says how much the model is to think. */
export interface ThinkingFields {
  thinking?: Record<string, unknown>
  effort?: string
  /** What `max_tokens` has to leave room for beside the answer. */
  budget: number
}

/** Thinking tokens of an effort, for models that take a budget; the least that the API takes is 1024. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
}
const LEAST_BUDGET = 1024

/**
 * A reasoning effort in Anthropic's words. Models up to Claude 4.5 take a budget of tokens (`minimal` 1024, `low` 2048,
 * `medium` 8192, `high` 16384, `xhigh` and `max` 32768; at most half of `maxTokens` where that is given, and no thinking
 * where less than 1024 are left). Later ones, and names that tell no version, decide themselves (`adaptive`) and take
 * the effort as it is, `minimal` as `low`. `none` switches thinking off. A tool that is forced goes without thinking,
 * which the API demands.
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking, …/adaptive-thinking, …/effort
 */
export function thinkingFields(
  effort: string | undefined,
  { model, maxTokens, forcesTool }: { model: string; maxTokens: number | undefined; forcesTool: boolean },
): ThinkingFields {
  if (effort === undefined) return { budget: 0 }
  if (effort === 'none') return { thinking: { type: 'disabled' }, budget: 0 }
  if (takesEffort(model)) {
    const words = { effort: effort === 'minimal' ? 'low' : effort, budget: 0 }
    return forcesTool ? words : { ...words, thinking: { type: 'adaptive' } }
  }

  const wanted = BUDGETS[effort] ?? BUDGETS['medium'] ?? LEAST_BUDGET
  const budget = maxTokens === undefined ? wanted : Math.min(wanted, Math.floor(maxTokens / 2))
  if (forcesTool || budget < LEAST_BUDGET) return { budget: 0 }
  return { thinking: { type: 'enabled', budget_tokens: budget }, budget }
}

/** Whether a model decides itself how much it thinks: from Claude 4.6 on (`claude-opus-4-6`, but `claude-3-7-sonnet`). */
function takesEffort(model: string): boolean {
  const [, major, minor] = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model) ?? []
  if (major === undefined) return true
  return Number(major) > 4 || (Number(major) === 4 && Number(minor ?? 0) >= 6)
}
