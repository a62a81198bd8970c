import { openaiTokens } from 'busline/tokens'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { ConversationMessage } from '../../src/messages/conversation.ts'

const folder = new URL('../corpus/open/', import.meta.url)
const Described = z.object({
  name: z.string(),
  description: z.string().default(''),
  parameters: z.record(z.string(), z.unknown()).default({}),
})
const Exchange = z.object({
  id: z.string(),
  provider: z.string(),
  request: z.object({
    model: z.string(),
    messages: z.array(ConversationMessage),
    tools: z.array(z.object({ function: Described })).default([]),
    functions: z.array(Described).default([]),
    response_format: z.unknown().optional(),
  }),
  expected: z.object({ usage: z.object({ prompt_tokens: z.number() }) }),
})

/** The requests of OpenAI and Azure whose prompt tokens were told; not those with what is not counted here. */
function recorded() {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const { success, data } = Exchange.safeParse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
      if (!success || !['openai', 'azure'].includes(data.provider)) return []
      const { model, messages, tools, functions, response_format } = data.request
      // A schema, pictures behind a URL, a model that searches: the README of the room says what they come to.
      const beyond =
        response_format ?? (messages.some((one) => Array.isArray(one.content)) || /search/.test(model))
      if (beyond) return []
      const all = [...tools.map((tool) => tool.function), ...functions]
      return [{ id: data.id, model, messages, tools: all, told: data.expected.usage.prompt_tokens }]
    })
}

describe('openaiTokens', () => {
  test('counts what OpenAI counted: exactly without tools, within one token with them', () => {
    const misses = recorded().map(({ model, messages, tools, told }) => {
      const { countTokens, countTools } = openaiTokens(model)
      const hasSystem = messages.some(({ role }) => role === 'system' || role === 'developer')
      const counted = messages.reduce((sum, one) => sum + countTokens(one), countTools(tools, { hasSystem }))
      // The deployment's name does not tell its model.
      const plain = tools.length === 0 && model !== 'openllmetry-testing'
      return { plain, miss: told - counted }
    })
    expect(misses).toHaveLength(36)
    expect(misses.filter(({ plain, miss }) => plain && miss !== 0)).toEqual([])
    expect(misses.filter(({ miss }) => Math.abs(miss) > 1)).toEqual([])
    expect(misses.filter(({ miss }) => miss === 0).length).toBe(28)
  })

  test('takes what looks like a special token for text', () => {
    const { countTokens } = openaiTokens('gpt-4o')
    expect(countTokens({ role: 'user', content: '<|endoftext|>' })).toBeGreaterThan(5)
  })

  test('counts an image by its tiles', () => {
    const png = Buffer.alloc(24)
    Buffer.from('89504e470d0a1a0a', 'hex').copy(png)
    png.writeUInt32BE(1024, 16)
    png.writeUInt32BE(1024, 20)
    const content = [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } },
    ]
    expect(openaiTokens('gpt-4o').countTokens({ role: 'user', content })).toBe(4 + 765)
  })

  test('refuses a model without a name', () => {
    expect(() => openaiTokens(' ')).toThrow(/name of a model/)
  })

  test('counts long runs without a break in time that grows with their length, nearly exactly', () => {
    const { countTokens } = openaiTokens('gpt-4o')
    const count = (content: string) => countTokens({ role: 'user', content })
    // Different each time, because the tokenizer remembers what it has seen.
    const run = (length: number) =>
      Array.from({ length }, (_, n) =>
        String.fromCodePoint(0x3042 + ((n * 7919 + ((n / 80) | 0)) % 80)),
      ).join('')
    const begun = performance.now()
    count(run(100_000))
    // Whole, 20 000 such characters took 3 s, and these would take a minute.
    expect(performance.now() - begun).toBeLessThan(4000)

    const short = count(run(250)) - count('')
    const joined = count(run(250 * 8).slice(0, 2000)) - count('')
    expect(Math.abs(joined - 8 * short) / joined).toBeLessThan(0.05)
  })

  test('tears no character that takes two places', () => {
    const { countTokens } = openaiTokens('gpt-4o')
    const count = (content: string) => countTokens({ role: 'user', content }) - 4
    const one = count('😀')
    // A torn one is two characters that there are not, of three tokens each.
    expect(count(`a${'😀'.repeat(1000)}`)).toBeLessThanOrEqual(1000 * one + 10)
  })
})
