import type { ModelPrice, PriceTable, Prices } from './price-table.ts'

/** A model under its name and under those of its dated snapshots, `-2025-08-07` and `-20250807`. */
function model(name: string, prices: Prices & Pick<ModelPrice, 'from' | 'tiers'>): ModelPrice[] {
  return [
    { match: name, ...prices },
    { match: `${name}-20*`, ...prices },
  ]
}

// Read on 2025-07-04 (GPT-4 and before) and 2025-11-13 (GPT-5) from platform.openai.com/docs/pricing by pydantic/genai-prices,
// prices/providers/openai.yml; the same figures as data/tables/copilot/models-and-pricing.yml of github/docs where it has them.
const OPENAI: ModelPrice[] = [
  ...model('gpt-3.5-turbo', { input: 0.5, output: 1.5 }),
  { match: 'gpt-3.5-turbo-0125', input: 0.5, output: 1.5 },
  ...model('gpt-4-turbo', { input: 10, output: 30 }),
  ...model('gpt-4.1', { input: 2, cachedInput: 0.5, output: 8 }),
  ...model('gpt-4.1-mini', { input: 0.4, cachedInput: 0.1, output: 1.6 }),
  ...model('gpt-4.1-nano', { input: 0.1, cachedInput: 0.025, output: 0.4 }),
  ...model('gpt-4o', { input: 2.5, cachedInput: 1.25, output: 10 }),
  // The first snapshot kept its price: github.com/openai/simple-evals, as of 2024-11.
  { match: 'gpt-4o-2024-05-13', input: 5, output: 15 },
  ...model('gpt-4o-mini', { input: 0.15, cachedInput: 0.075, output: 0.6 }),
  ...model('gpt-5', { input: 1.25, cachedInput: 0.125, output: 10 }),
  ...model('gpt-5-mini', { input: 0.25, cachedInput: 0.025, output: 2 }),
  ...model('gpt-5-nano', { input: 0.05, cachedInput: 0.005, output: 0.4 }),
  ...model('gpt-5-pro', { input: 15, output: 120 }),
  ...model('gpt-5.1', { input: 1.25, cachedInput: 0.125, output: 10 }),
  // data/tables/copilot/models-and-pricing.yml of github/docs, 2026; morphllm.com/openai-api-pricing of 2026-06 has the same.
  ...model('gpt-5.2', { input: 1.75, cachedInput: 0.175, output: 14 }),
  ...model('gpt-5.4', {
    input: 2.5,
    cachedInput: 0.25,
    output: 15,
    tiers: [{ above: 272_000, input: 5, cachedInput: 0.5, output: 22.5 }],
  }),
  ...model('gpt-5.4-mini', { input: 0.75, cachedInput: 0.075, output: 4.5 }),
  ...model('gpt-5.4-nano', { input: 0.2, cachedInput: 0.02, output: 1.25 }),
  ...model('gpt-5.5', {
    input: 5,
    cachedInput: 0.5,
    output: 30,
    tiers: [{ above: 272_000, input: 10, cachedInput: 1, output: 45 }],
  }),
  // The same table; docs.apiyi.com/models has the same. Of GPT-5.6 Sol the two differ, so it is not here.
  ...model('gpt-5.6-luna', {
    input: 0.2,
    cachedInput: 0.02,
    cacheWrite: 0.25,
    output: 1.2,
    tiers: [{ above: 200_000, input: 0.4, cachedInput: 0.04, cacheWrite: 0.5, output: 1.8 }],
  }),
  ...model('gpt-5.6-terra', {
    input: 2,
    cachedInput: 0.2,
    cacheWrite: 2.5,
    output: 12,
    tiers: [{ above: 272_000, input: 4, cachedInput: 0.4, cacheWrite: 5, output: 18 }],
  }),
]

const OPUS = { input: 5, cachedInput: 0.5, cacheWrite: 6.25, output: 25 }
const FORMER_OPUS = { input: 15, cachedInput: 1.5, cacheWrite: 18.75, output: 75 }
const SONNET = { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 }

// platform.claude.com/docs/en/about-claude/pricing, as of 2026-08 to 2026-10. Writing to a cache: for five minutes.
const ANTHROPIC: ModelPrice[] = [
  ...model('claude-fable-5', { input: 10, cachedInput: 1, cacheWrite: 12.5, output: 50 }),
  ...model('claude-fable-5-1', { input: 10, cachedInput: 0.25, cacheWrite: 12.5, output: 50 }),
  ...model('claude-opus-4', FORMER_OPUS),
  ...model('claude-opus-4-1', FORMER_OPUS),
  ...model('claude-opus-4-5', OPUS),
  ...model('claude-opus-4-6', OPUS),
  ...model('claude-opus-4-7', OPUS),
  ...model('claude-opus-4-8', OPUS),
  ...model('claude-opus-5', OPUS),
  ...model('claude-sonnet-4', SONNET),
  ...model('claude-sonnet-4-5', SONNET),
  ...model('claude-sonnet-4-6', SONNET),
  ...model('claude-sonnet-5', { input: 2, cachedInput: 0.2, cacheWrite: 2.5, output: 10 }),
  ...model('claude-sonnet-5-5', { input: 2, cachedInput: 0.2, cacheWrite: 2.5, output: 10 }),
  // github.com/kurofune/claudit v1.9.2 and github.com/TheKrush/PromptFuel v1.0.23, which read that page in 2026-10.
  ...model('claude-sonnet-5-5', {
    from: '2026-10-07',
    input: 2,
    cachedInput: 0.1,
    cacheWrite: 2.5,
    output: 10,
  }),
  ...model('claude-haiku-4-5', { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 }),
  ...model('claude-haiku-5-5', {
    input: 0.1,
    cachedInput: 0.01,
    cacheWrite: 0.125,
    output: 0.5,
    tiers: [{ above: 100_000, input: 0.5, cachedInput: 0.05, cacheWrite: 0.625, output: 2.5 }],
  }),
]

// ai.google.dev/gemini-api/docs/pricing, as deploybase.ai/articles/gemini-api-pricing read it in 2026-03 (a cache costs a
// tenth), audio as pydantic/genai-prices did; Gemini 3: data/tables/copilot/models-and-pricing.yml of github/docs, 2026.
// Of Flash 3.6 and later only a price of some months is told, so they are not here.
const GOOGLE: ModelPrice[] = [
  {
    match: 'gemini-2.5-pro',
    input: 1.25,
    cachedInput: 0.125,
    output: 10,
    tiers: [{ above: 200_000, input: 2.5, cachedInput: 0.25, output: 15 }],
  },
  { match: 'gemini-2.5-flash', input: 0.3, cachedInput: 0.03, audioInput: 1, output: 2.5 },
  {
    match: 'gemini-3.1-pro-preview',
    input: 2,
    cachedInput: 0.2,
    output: 12,
    tiers: [{ above: 200_000, input: 4, cachedInput: 0.4, output: 18 }],
  },
  { match: 'gemini-3.5-flash', input: 1.5, cachedInput: 0.15, output: 9 },
]

// mistral.ai/pricing, read from 2026-06-09 to 2026-08-24 by pydantic/genai-prices, prices/providers/mistral.yml.
const MISTRAL: ModelPrice[] = [
  { match: 'codestral-2508', input: 0.3, cachedInput: 0.03, output: 0.9 },
  { match: 'devstral-2512', input: 0.4, cachedInput: 0.04, output: 2 },
  { match: 'ministral-3b-2512', input: 0.1, cachedInput: 0.01, output: 0.1 },
  { match: 'ministral-8b-2512', input: 0.15, cachedInput: 0.015, output: 0.15 },
  { match: 'ministral-14b-2512', input: 0.2, cachedInput: 0.02, output: 0.2 },
  { match: 'mistral-large-2512', input: 0.5, cachedInput: 0.05, output: 1.5 },
  { match: 'mistral-medium-2505', input: 0.4, cachedInput: 0.04, output: 2 },
  { match: 'mistral-medium-2508', input: 0.4, cachedInput: 0.04, output: 2 },
  { match: 'mistral-medium-3-5', input: 1.5, cachedInput: 0.15, output: 7.5 },
  { match: 'mistral-medium-latest', input: 0.4, cachedInput: 0.04, output: 2 },
  { match: 'mistral-medium-latest', from: '2026-06-16', input: 1.5, cachedInput: 0.15, output: 7.5 },
  { match: 'mistral-small-2603', input: 0.15, cachedInput: 0.015, output: 0.6 },
]

// docs.x.ai/docs/models, read from 2025-07-12 to 2026-07-08 by pydantic/genai-prices, prices/providers/x_ai.yml; Grok 4.5 and
// 4.6 with their second tier: data/tables/copilot/models-and-pricing.yml of github/docs, 2026.
const XAI: ModelPrice[] = [
  { match: 'grok-3', input: 3, cachedInput: 0.75, output: 15 },
  { match: 'grok-3-mini', input: 0.3, cachedInput: 0.075, output: 0.5 },
  ...['grok-4.5', 'grok-4.6'].map((match) => ({
    match,
    input: 2,
    cachedInput: 0.5,
    output: 6,
    tiers: [{ above: 200_000, input: 4, cachedInput: 1, output: 12 }],
  })),
  { match: 'grok-code-fast-1', input: 0.2, cachedInput: 0.02, output: 1.5 },
]

// console.groq.com/docs/models, as github.com/braintrustdata/braintrust-proxy/issues/479 and 566 quote it in 2026. With the
// prefix `groq/` only: others who serve these open models ask other prices.
const GROQ: ModelPrice[] = [{ match: 'groq/openai/gpt-oss-120b', input: 0.15, output: 0.6 }]

// Not here: DeepSeek, whose prices depend on the hour (api-docs.deepseek.com/quick_start/pricing, 2026-10).

/**
 * What models cost at their makers', in US dollars for a million tokens: the standard tier, not batches, priority nor flex,
 * without taxes, discounts or charges for searches and the like. It ages; give your own where it matters:
 * `{ ...PRICES, models: [mine, ...PRICES.models] }`.
 */
export const PRICES: PriceTable = {
  asOf: '2026-11-21',
  currency: 'USD',
  per: 1_000_000,
  models: [...OPENAI, ...ANTHROPIC, ...GOOGLE, ...MISTRAL, ...XAI, ...GROQ],
}
