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

test('what was written to a cache comes under the names of OpenRouter, LiteLLM and Anthropic', () => {
  const counts = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
  for (const told of [
    { prompt_tokens_details: { cache_write_tokens: 4 } },
    { prompt_tokens_details: { cache_creation_tokens: 4 } },
    { cache_creation_input_tokens: 4 },
  ]) {
    expect(readUsage({ ...counts, ...told })).toEqual({
      inputTokens: 5,
      outputTokens: 3,
      totalTokens: 8,
      cacheWriteTokens: 4,
    })
  }
})

test("Anthropic's input leaves out what a cache had, ours does not", () => {
  const usage = { input_tokens: 5, output_tokens: 3 }
  expect(readUsage({ ...usage, cache_read_input_tokens: 10, cache_creation_input_tokens: 20 })).toEqual({
    inputTokens: 35,
    outputTokens: 3,
    totalTokens: 38,
    cachedTokens: 10,
    cacheWriteTokens: 20,
  })
})

test('audio is told apart by direction, and left out where there is none', () => {
  const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
  expect(
    readUsage({
      ...usage,
      prompt_tokens_details: { audio_tokens: 2 },
      completion_tokens_details: { audio_tokens: 1 },
    }),
  ).toMatchObject({ audioInputTokens: 2, audioOutputTokens: 1 })
  const none = readUsage({
    ...usage,
    prompt_tokens_details: { audio_tokens: 0 },
    completion_tokens_details: { audio_tokens: -1 },
  })
  expect(none).toEqual({ inputTokens: 5, outputTokens: 3, totalTokens: 8 })
})
