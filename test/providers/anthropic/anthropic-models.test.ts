import { expect, test } from 'vitest'
import { modelTraits } from '../../../src/providers/anthropic-models.ts'

test.each([
  ['claude-3-haiku-20240307', 4096],
  ['claude-3-5-haiku-20241022', 8192],
  ['claude-3-7-sonnet-20250219', 64_000],
  ['claude-opus-4-20250514', 32_000],
  ['claude-opus-4-1-20250805', 32_000],
  ['anthropic.claude-opus-4-1-20250805-v1:0', 32_000],
  ['claude-sonnet-4-20250514', 64_000],
  ['claude-sonnet-4-5', 64_000],
  ['claude-opus-4-5-20251101', 64_000],
  ['claude-sonnet-4-6', 128_000],
  ['claude-fable-5-2', 128_000],
  ['some-model', Number.POSITIVE_INFINITY],
])('an answer of %s has at most %d tokens', (model, limit) => {
  expect(modelTraits(model).maxOutput).toBe(limit)
})

/** Thinking can be switched off, tools can be forced, thinking is bound to what stood before it. */
test.each([
  ['claude-opus-4-8', true, true, false],
  ['claude-opus-5', true, true, false],
  ['claude-sonnet-5', true, true, false],
  ['claude-fable-5', false, true, false],
  ['claude-mythos-preview', false, true, false],
  ['claude-fable-5-1', false, false, true],
  ['claude-mythos-5-2', false, false, true],
  ['claude-opus-5-5', false, false, true],
  ['anthropic/claude-opus-5.5', false, false, true],
  ['claude-sonnet-5-5', false, false, true],
  ['claude-haiku-5-5', true, true, true],
  ['claude-opus-6', false, false, true],
  ['some-model', true, true, false],
])('%s: silenced %s, forced %s, bound %s', (model, canBeSilenced, canBeForced, bindsThinking) => {
  expect(modelTraits(model)).toMatchObject({ canBeSilenced, canBeForced, bindsThinking })
})
