import { expect, test } from 'vitest'
import { readUsage } from '../../src/providers/read-usage.ts'

test('counts come under either of their names, with cached and reasoning tokens where they are told', () => {
  expect(readUsage({ prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 })).toEqual({
    inputTokens: 5,
    outputTokens: 3,
    totalTokens: 8,
  })
  expect(
    readUsage({
      input_tokens: 5,
      output_tokens: 3,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens_details: { reasoning_tokens: 2 },
    }),
  ).toEqual({ inputTokens: 5, outputTokens: 3, totalTokens: 8, cachedTokens: 4, reasoningTokens: 2 })
  expect(
    readUsage({ prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, prompt_cache_hit_tokens: 0 }),
  ).toMatchObject({ cachedTokens: 0 })
})

test('parts that are negative or no number are ignored', () => {
  expect(
    readUsage({
      prompt_tokens: 5,
      completion_tokens: -3,
      total_tokens: '8',
      prompt_tokens_details: { cached_tokens: NaN },
      completion_tokens_details: null,
    }),
  ).toEqual({ inputTokens: 5, outputTokens: 0, totalTokens: 5 })
})

test('what is missing follows from the total', () => {
  expect(readUsage({ prompt_tokens: 5, total_tokens: 8 })).toMatchObject({ outputTokens: 3 })
  expect(readUsage({ completion_tokens: 5, total_tokens: 8 })).toMatchObject({ inputTokens: 3 })
})

test('a usage that tells no count is null', () => {
  for (const usage of [null, undefined, {}, [], 'x', { prompt_tokens: -1, cost: 3 }]) {
    expect(readUsage(usage)).toBeNull()
  }
})
