import { costOf, PRICES, type PriceTable, type TokenUsage } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addCosts, addUsage } from '../../src/messages/usage-sum.ts'

const table = (models: PriceTable['models']): PriceTable => ({
  asOf: '2026-01-01',
  currency: 'USD',
  per: 1_000_000,
  models,
})
const used = (inputTokens: number, outputTokens: number, parts: Partial<TokenUsage> = {}): TokenUsage => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
  ...parts,
})

describe('costOf', () => {
  test('is input and output at their prices', () => {
    expect(costOf(used(1_000_000, 0), 'gpt-4o-mini')).toBe(0.15)
    expect(costOf(used(0, 1_000_000), 'gpt-4o-mini')).toBe(0.6)
    expect(costOf(used(1000, 100), 'gpt-4o-mini')).toBe(0.00021)
  })

  test('is null, not 0, for a model without a price, and without a model', () => {
    expect(costOf(used(1000, 100), 'nobody-1')).toBeNull()
    expect(costOf(used(1000, 100), null)).toBeNull()
    expect(costOf(null, 'gpt-4o-mini')).toBeNull()
  })

  test('is 0 for a price that says 0, even when no usage is told', () => {
    const free = table([{ match: 'local*', input: 0, output: 0 }])
    expect(costOf(used(1000, 100), 'local-7b', free)).toBe(0)
    expect(costOf(null, 'local-7b', free)).toBe(0)
  })

  test('prices each kind of token by itself, and reasoning as output', () => {
    const kinds = table([
      {
        match: 'm',
        input: 1,
        cachedInput: 0.1,
        cacheWrite: 1.25,
        audioInput: 10,
        output: 4,
        audioOutput: 20,
      },
    ])
    const usage = used(1000, 500, {
      cachedTokens: 400,
      cacheWriteTokens: 200,
      audioInputTokens: 100,
      reasoningTokens: 300,
      audioOutputTokens: 50,
    })
    // 300 plain, 400 cached, 200 written, 100 audio; 450 plain, 50 audio: in millionths of a dollar.
    expect(costOf(usage, 'm', kinds)).toBe((300 + 40 + 250 + 1000 + 1800 + 1000) / 1e6)
  })

  test('prices cached and audio tokens as input and output where they have no price of their own', () => {
    const plain = table([{ match: 'm', input: 1, output: 4 }])
    const usage = used(1000, 500, { cachedTokens: 400, cacheWriteTokens: 100, audioOutputTokens: 50 })
    expect(costOf(usage, 'm', plain)).toBe(costOf(used(1000, 500), 'm', plain))
  })

  test('takes the tier of a long prompt for all of its tokens', () => {
    expect(costOf(used(200_000, 1000), 'gemini-2.5-pro')).toBe(0.26)
    expect(costOf(used(200_001, 1000), 'gemini-2.5-pro')).toBe(0.5150025)
  })

  test('takes the price that held at the time of the call', () => {
    const usage = used(1_000_000, 0)
    expect(costOf(usage, 'mistral-medium-latest', PRICES, Date.parse('2026-06-15'))).toBe(0.4)
    expect(costOf(usage, 'mistral-medium-latest', PRICES, Date.parse('2026-06-16'))).toBe(1.5)
    expect(costOf(usage, 'mistral-medium-latest')).toBe(1.5)
  })

  const tokens = fc.nat({ max: 1_000_000 })
  const usages = fc
    .record({ cached: tokens, written: tokens, plain: tokens, output: tokens, audio: tokens })
    .map(({ cached, written, plain, output, audio }) =>
      used(cached + written + plain, output + audio, {
        cachedTokens: cached,
        cacheWriteTokens: written,
        audioOutputTokens: audio,
      }),
    )
  const flat = PRICES.models.filter(({ tiers, match }) => !tiers && !match.includes('*'))

  test('is additive: two calls cost what one of all their tokens costs, to the last digit', () => {
    fc.assert(
      fc.property(usages, usages, fc.constantFrom(...flat), (a, b, { match }) => {
        const both = used(a.inputTokens + b.inputTokens, a.outputTokens + b.outputTokens, {
          cachedTokens: (a.cachedTokens ?? 0) + (b.cachedTokens ?? 0),
          cacheWriteTokens: (a.cacheWriteTokens ?? 0) + (b.cacheWriteTokens ?? 0),
          audioOutputTokens: (a.audioOutputTokens ?? 0) + (b.audioOutputTokens ?? 0),
        })
        expect(addCosts(costOf(a, match) ?? NaN, costOf(b, match) ?? NaN)).toBe(costOf(both, match))
      }),
    )
  })

  test('is never negative, whatever parts a server counts', () => {
    const wild = fc.record({
      inputTokens: tokens,
      outputTokens: tokens,
      totalTokens: tokens,
      cachedTokens: tokens,
      cacheWriteTokens: tokens,
      audioInputTokens: tokens,
      audioOutputTokens: tokens,
      reasoningTokens: tokens,
    })
    fc.assert(
      fc.property(wild, fc.constantFrom(...flat), (usage, { match }) => {
        expect(costOf(usage, match)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('addCosts', () => {
  test('does not drift', () => {
    expect(addCosts(0.1, 0.2)).toBe(0.3)
    let sum = 0
    for (let n = 0; n < 100_000; n++) sum = addCosts(sum, 0.0001)
    expect(sum).toBe(10)
  })

  test('gives the same in any order', () => {
    const picodollars = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 2, maxLength: 50 })
    fc.assert(
      fc.property(picodollars, (all) => {
        const costs = all.map((one) => one / 1e12)
        const forth = costs.reduce(addCosts, 0)
        expect(costs.toReversed().reduce(addCosts, 0)).toBe(forth)
        expect(forth).toBe(all.reduce((sum, one) => sum + one, 0) / 1e12)
      }),
    )
  })
})

test('addUsage adds each kind of tokens, and tells none that neither has', () => {
  const one = { inputTokens: 1, outputTokens: 2, totalTokens: 3, calls: 1, cachedTokens: 4 }
  const other = { inputTokens: 10, outputTokens: 20, totalTokens: 30, calls: 2, reasoningTokens: 5 }
  expect(addUsage(one, other)).toStrictEqual({
    inputTokens: 11,
    outputTokens: 22,
    totalTokens: 33,
    calls: 3,
    cachedTokens: 4,
    reasoningTokens: 5,
  })
})
