import {
  BuslineError,
  CallModel,
  memorySessions,
  usageMeter,
  type MessageBus,
  type ModelRequest,
  type TokenUsage,
  type UsageMeterOptions,
} from 'busline'
import { testBus } from 'busline/testing'

/** A table in which `m` costs a dollar for a million tokens in, and two for a million out. */
export const PRICED_M = {
  asOf: '2026-01-01',
  currency: 'USD' as const,
  per: 1_000_000,
  models: [{ match: 'm', input: 1, output: 2 }],
}

export const request = (model: string | null = 'm'): ModelRequest => ({ model, messages: [], tools: [] })

export const usageOf = (inputTokens: number, outputTokens: number): TokenUsage => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
})

/** A bus whose model takes 1000 tokens in and 500 out each time, as `m` 0.002 dollars, and fails as `broken` does. */
export function meteredBus(options: UsageMeterOptions = {}, usage: TokenUsage | null = usageOf(1000, 500)) {
  const { bus, clock, journal } = testBus()
  let calls = 0
  bus.attach(memorySessions())
  bus.attach(usageMeter({ prices: PRICED_M, ...options }))
  bus.handle(CallModel, async function model({ model }, scope) {
    calls++
    await scope.sleep(10)
    if (model === 'broken') throw new BuslineError('PROVIDER_FAILED', 'It broke.', { data: { usage } })
    return { message: { role: 'assistant' as const, content: 'hi' }, finishReason: 'stop', usage, model }
  })
  const running = <T>(work: Promise<T>): Promise<T> => clock.advance(1000).then(() => work)
  return { bus, clock, journal, running, calls: () => calls }
}

/** What one call ended with, its error too. */
export async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    return error
  }
}

export const ask = (bus: MessageBus, session: string, model: string | null = 'm', context = {}) =>
  bus.session(session).execute(CallModel, request(model), { context })
