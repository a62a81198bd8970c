import { PRICES, usageMeter, type PriceTable } from 'busline'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../bus/fixtures/promises.ts'
import { priceOf } from '../../src/usage/price-table.ts'

const table = (...names: string[]): PriceTable => ({
  ...PRICES,
  models: names.map((match, index) => ({ match, input: index, output: index })),
})
const found = (model: string, ...names: string[]) => priceOf(model, table(...names))?.match

describe('the price of a model', () => {
  test('is that of the longest pattern that fits', () => {
    expect(found('gpt-4o-mini-2024-07-18', 'gpt-*', 'gpt-4o*', 'gpt-4o-mini*')).toBe('gpt-4o-mini*')
    expect(found('gpt-4o', 'gpt-4o*', 'gpt-4o')).toBe('gpt-4o')
  })

  test('needs a pattern that fits the whole name', () => {
    expect(found('gpt-4o-mini', 'gpt-4o', 'o-mini')).toBeUndefined()
    expect(found('ab', 'ab*b')).toBeUndefined()
    expect(found('a-x-b-y-c', 'a*b*c')).toBe('a*b*c')
    expect(found('a-x-c-y-b', 'a*b*c')).toBeUndefined()
  })

  test('is found behind the prefix of a router, after its own full name', () => {
    expect(found('openai/gpt-4o', 'gpt-4o')).toBe('gpt-4o')
    expect(found('openai/gpt-4o', 'gpt-4o', 'openai/*')).toBe('openai/*')
    expect(found('openrouter/openai/gpt-4o', 'gpt-4o')).toBe('gpt-4o')
  })

  test('is the first of two that are as exact, so that one put in front wins', () => {
    const mine = { match: 'gpt-4o', input: 7, output: 7 }
    expect(priceOf('gpt-4o', { ...PRICES, models: [mine, ...PRICES.models] })).toBe(mine)
  })

  test('of the built-in table is never that of another model with a longer name', () => {
    expect(priceOf('gpt-5.9-unheard-of', PRICES)).toBeUndefined()
    expect(priceOf('gpt-4o-mini-tts', PRICES)).toBeUndefined()
    expect(priceOf('claude-opus-5-9', PRICES)).toBeUndefined()
    expect(priceOf('gpt-5-2025-08-07', PRICES)?.output).toBe(10)
    expect(priceOf('claude-sonnet-4-20250514', PRICES)?.input).toBe(3)
    expect(priceOf('claude-sonnet-4-5-20250929', PRICES)?.match).toBe('claude-sonnet-4-5-20*')
  })
})

describe('the built-in table', () => {
  test('has no two prices of one pattern and one day', () => {
    const keys = PRICES.models.map(({ match, from }) => `${match} ${from}`)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('asks no more for cached input than for input, and has whole picodollars a token', () => {
    for (const { match, input, output, cachedInput = input, tiers = [] } of PRICES.models) {
      expect(cachedInput, match).toBeLessThanOrEqual(input)
      for (const price of [input, output, cachedInput, ...tiers.map((tier) => tier.input)])
        expect(Math.abs(price * 1e6 - Math.round(price * 1e6)), match).toBeLessThan(1e-6)
    }
  })
})

describe('a table of one’s own', () => {
  test('is refused with INVALID_OPTION that names the field', () => {
    const negative = { ...PRICES, models: [{ match: 'm', input: -1, output: 1 }] }
    expect(thrownBy(() => usageMeter({ prices: negative }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'prices.models.0.input' },
    })
    expect(thrownBy(() => usageMeter({ prices: { ...PRICES, asOf: 'yesterday' } }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'prices.asOf' },
    })
  })
})
