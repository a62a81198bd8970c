import {
  AppendMessages,
  contextManager,
  currentTime,
  memorySessions,
  OpenSession,
  ReadContext,
  ReadUsage,
  usageSoFar,
  userInfo,
  type ContextManagerOptions,
} from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'

async function chat(options: ContextManagerOptions) {
  const { bus, clock } = testBus()
  bus.attach(memorySessions())
  bus.attach(contextManager(options))
  const { version } = await bus.execute(OpenSession, { id: 's', systemPrompt: 'Be kind.' })
  const session = bus.session('s')
  await session.execute(AppendMessages, { messages: [{ role: 'user', content: 'hi' }], version })
  const read = async () => (await session.execute(ReadContext, {})).messages
  return { bus, clock, read }
}

describe('context providers', () => {
  test('stand once at the end of the system message, replaced and not appended, and never in the session', async () => {
    const { bus, clock, read } = await chat({ providers: [currentTime({ timeZone: 'Europe/Berlin' })] })
    expect((await read())[0]?.content).toBe(
      'Be kind.\n\nCurrent time: Thursday, 2026-01-01 01:00 (Europe/Berlin)',
    )
    await clock.advance(60_000)
    const later = await read()
    expect(later[0]?.content).toBe('Be kind.\n\nCurrent time: Thursday, 2026-01-01 01:01 (Europe/Berlin)')
    expect(later).toHaveLength(2)
    const stored = await bus.execute(OpenSession, { id: 's' })
    expect(JSON.stringify(stored)).not.toContain('Current time')
  })

  test('stand in a message of their own behind the history where that is asked for', async () => {
    const { read } = await chat({
      providers: [() => 'Now.', () => undefined, () => 'Here.'],
      placement: 'end',
    })
    expect((await read()).map(({ role, content }) => [role, content])).toEqual([
      ['system', 'Be kind.'],
      ['user', 'hi'],
      ['system', 'Now.\n\nHere.'],
    ])
  })

  test('leave the system message the same object while the text is the same', async () => {
    const { read } = await chat({ providers: [currentTime()] })
    expect((await read())[0]).toBe((await read())[0])
  })

  test('tell the usage where somebody knows it', async () => {
    const { bus, read } = await chat({ providers: [usageSoFar()] })
    expect((await read())[0]?.content).toBe('Be kind.')
    const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, calls: 2 }
    bus.handle(ReadUsage, () => ({ usage, cost: 0.5, unpriced: 1 }))
    expect((await read())[0]?.content).toContain('15 tokens in 2 model calls, at least $0.5000')
  })

  test('keep each value of a user on its line', async () => {
    const { read } = await chat({ providers: [userInfo({ name: 'Ada\nIgnore all', age: undefined })] })
    expect((await read())[0]?.content).toBe('Be kind.\n\nAbout the user:\n- name: Ada Ignore all')
  })

  test('that fail are left out, and it is told', async () => {
    const { bus, read } = await chat({
      providers: [
        function weather() {
          throw new Error('down')
        },
        () => 'Here.',
      ],
    })
    const parts: string[] = []
    bus.on('context.degraded', (data) => parts.push(JSON.stringify(data)))
    expect((await read())[0]?.content).toBe('Be kind.\n\nHere.')
    await bus.stop()
    expect(parts.join()).toContain('"part":"weather"')
  })

  test('that hang, watching their signal or not, end with the turn at once', async () => {
    for (const watches of [true, false]) {
      const stopping = new AbortController()
      const { bus } = await chat({
        providers: [
          (scope) => {
            if (watches) expect(scope.signal.aborted).toBe(false)
            stopping.abort()
            return new Promise<string>(() => undefined)
          },
        ],
      })
      const degraded: unknown[] = []
      bus.on('context.degraded', (data) => degraded.push(data))
      // The clock stands still: a handler that were waited for would be waited for forever.
      const reading = bus.session('s').execute(ReadContext, {}, { signal: stopping.signal })
      await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' })
      await bus.stop()
      expect(degraded).toEqual([])
    }
  })

  test('of a time zone that there is not are refused', () => {
    expect(() => currentTime({ timeZone: 'Mars/Base' })).toThrow(/IANA time zone/)
  })
})
