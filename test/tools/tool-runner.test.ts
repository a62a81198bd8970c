import { CallTool, defineTool, toolManager, type Tool, type ToolCall, type ToolManagerOptions } from 'busline'
import { settle, testBus } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const none = z.object({})
const plain = { description: '', parameters: none }

function manager(tools: readonly Tool[], options?: ToolManagerOptions) {
  const { bus, clock, journal } = testBus()
  bus.attach(toolManager(tools, options))
  const call = (name: string, given: Partial<ToolCall> & { signal?: AbortSignal } = {}): Promise<unknown> => {
    const { id = 'c1', key, again, signal } = given
    return bus.execute(CallTool, { call: id, name, arguments: {}, key, again }, { signal })
  }
  return { bus, clock, journal, call }
}

/** A tool whose runs end when the test says so. */
function held(name: string, options: { concurrency?: number; timeout?: number } = {}) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const tool = defineTool({
    ...plain,
    ...options,
    name,
    run: (_input, _scope, { id }) => {
      begun.push(id)
      return new Promise<string>((resolve) => ends.set(id, () => resolve(id)))
    },
  })
  const end = async (id: string): Promise<void> => {
    ends.get(id)?.()
    ends.delete(id)
    await settle()
  }
  return { tool, begun, ends, end }
}

describe('what a tool is told of its call', () => {
  const asked = defineTool({
    ...plain,
    name: 'asked',
    effect: 'idempotent',
    run: (_input, scope, call) => ({ ...call, command: scope.message.id }),
  })

  test('is the id of the call, and a key that is that of the command unless the caller has one', async () => {
    const { call } = manager([asked])
    const first = z
      .object({ id: z.string(), key: z.string(), command: z.string(), again: z.boolean() })
      .parse(await call('asked'))
    expect(first).toEqual({ id: 'c1', key: first.command, command: first.command, again: false })
    expect(await call('asked', { key: 'turn-1/c1', again: true })).toMatchObject({
      key: 'turn-1/c1',
      again: true,
    })
  })
})

describe('a call that may have run before', () => {
  const runs: string[] = []
  const tools = (['read', 'idempotent', 'unsafe'] as const).map((effect) =>
    defineTool({ ...plain, name: effect, effect, run: () => runs.push(effect) }),
  )
  const silent = defineTool({ ...plain, name: 'silent', run: () => runs.push('silent') })

  test.each(['read', 'idempotent'])('runs again when its tool is %s', async (name) => {
    runs.length = 0
    await manager(tools).call(name, { again: true })
    expect(runs).toEqual([name])
  })

  test.each(['unsafe', 'silent'])(
    'does not run when its tool is %s, and the model reads what to do',
    async (name) => {
      runs.length = 0
      await expect(manager([...tools, silent]).call(name, { again: true })).rejects.toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        message: expect.stringMatching(
          /interrupted.*not made again.*Find out with other tools, or ask the user/,
        ),
      })
      expect(runs).toEqual([])
    },
  )

  test('is refused so even where its tool could not be called now', async () => {
    const down = defineTool({ ...plain, name: 'down', health: () => false, run: () => 1 })
    const { call } = manager([down])
    await expect(call('down', { again: true })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    await expect(call('down')).rejects.toMatchObject({ code: 'TOOL_UNAVAILABLE' })
  })
})

describe('a timeout', () => {
  test('fails the call, names tool and time, and aborts the signal', async () => {
    let reason: unknown
    const slow = defineTool({
      ...plain,
      name: 'slow',
      timeout: 500,
      run: (_input, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            reason = signal.reason
            reject(signal.reason)
          }),
        ),
    })
    const { call, clock } = manager([slow])
    await expect(clock.until(call('slow'))).rejects.toMatchObject({
      code: 'TIMED_OUT',
      message: 'The tool slow took longer than its timeout of 500 ms.',
      data: { timeout: 500 },
    })
    expect(reason).toMatchObject({ code: 'TIMED_OUT' })
  })

  test('leaves behind a tool that never looks at its signal, at that very moment', async () => {
    const { tool } = held('deaf', { timeout: 500 })
    const { bus, call, clock } = manager([tool])
    const start = bus.now()
    await expect(clock.until(call('deaf'))).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(bus.now() - start).toBe(500)
  })

  test('takes along what the tool has called', async () => {
    const { tool: inner } = held('inner')
    const outer = defineTool({
      ...plain,
      name: 'outer',
      timeout: 50,
      run: (_input, scope) => scope.execute(CallTool, { call: 'i', name: 'inner', arguments: {} }),
    })
    const { call, clock, journal } = manager([inner, outer])
    await expect(clock.until(call('outer'))).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(journal.records.filter(({ kind }) => kind === 'result').map(({ error }) => error?.code)).toEqual([
      'TIMED_OUT',
      'TIMED_OUT',
    ])
  })

  test('does not count the time that the call waits for its turn', async () => {
    const { tool, begun, end } = held('one', { concurrency: 1, timeout: 500 })
    const { call, clock } = manager([tool])
    const first = call('one', { id: 'a' })
    const second = call('one', { id: 'b' })
    await clock.advance(400)
    await end('a')
    await clock.advance(400)
    expect(begun).toEqual(['a', 'b'])
    await end('b')
    expect(await Promise.all([first, second])).toEqual(['a', 'b'])
  })

  test('sets no timer that outlasts the call', async () => {
    const quick = defineTool({ ...plain, name: 'quick', timeout: 500, run: () => 1 })
    const { call, clock } = manager([quick])
    await call('quick')
    expect(clock.pending).toBe(0)
  })
})

describe('concurrency', () => {
  test('of a tool holds back its calls, in order, and no others', async () => {
    const limited = held('limited', { concurrency: 2 })
    const free = held('free')
    const { call } = manager([limited.tool, free.tool])
    for (const id of ['a', 'b', 'c', 'd']) void call('limited', { id })
    void call('free', { id: 'x' })
    await settle()
    expect(limited.begun).toEqual(['a', 'b'])
    expect(free.begun).toEqual(['x'])
    await limited.end('b')
    expect(limited.begun).toEqual(['a', 'b', 'c'])
  })

  test('of the manager holds back all, and a call that waits for its own tool keeps no place', async () => {
    const one = held('one', { concurrency: 1 })
    const other = held('other')
    const { call } = manager([one.tool, other.tool], { concurrency: 2 })
    void call('one', { id: 'a' })
    void call('one', { id: 'b' })
    void call('other', { id: 'x' })
    void call('other', { id: 'y' })
    await settle()
    expect([one.begun, other.begun]).toEqual([['a'], ['x']])
    await one.end('a')
    expect(other.begun).toEqual(['x', 'y'])
    await other.end('x')
    expect(one.begun).toEqual(['a', 'b'])
  })

  test('lets a call that is cancelled leave the queue at once, without running', async () => {
    const { tool, begun, end } = held('one', { concurrency: 1 })
    const { call } = manager([tool])
    const cancel = new AbortController()
    void call('one', { id: 'a' })
    const waiting = call('one', { id: 'b', signal: cancel.signal })
    const last = call('one', { id: 'c' })
    await settle()
    cancel.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    await end('a')
    await end('c')
    expect(await last).toBe('c')
    expect(begun).toEqual(['a', 'c'])
  })

  test('lets a tool call itself, on its own place', async () => {
    const deep = defineTool({
      ...plain,
      name: 'deep',
      concurrency: 1,
      parameters: z.object({ n: z.number() }),
      run: ({ n }, scope): unknown =>
        n === 0
          ? 'bottom'
          : scope.execute(CallTool, { call: `c${n}`, name: 'deep', arguments: { n: n - 1 } }),
    })
    const { bus } = manager([deep], { concurrency: 1 })
    expect(await bus.execute(CallTool, { call: 'c', name: 'deep', arguments: { n: 3 } })).toBe('bottom')
  })

  test('is never exceeded, and serves in order, whoever fails, leaves or is late', async () => {
    const step = fc.oneof(
      fc.constant({ does: 'call' as const }),
      fc.record({ does: fc.constant('end' as const), which: fc.nat(9) }),
      fc.record({ does: fc.constant('cancel' as const), which: fc.nat(9) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 30 }),
        async (limit, steps) => {
          const { tool, begun, ends, end } = held('one', { concurrency: limit })
          const { call } = manager([tool])
          const cancels: AbortController[] = []
          for (const each of steps) {
            if (each.does === 'call') {
              const cancel = new AbortController()
              cancels.push(cancel)
              call('one', { id: `c${cancels.length}`, signal: cancel.signal }).catch(() => undefined)
            } else if (each.does === 'end') await end([...ends.keys()][each.which] ?? '')
            // A cancelled run is left behind and gives its place back, so here only those that wait are cancelled.
            else if (!begun.includes(`c${each.which + 1}`)) cancels[each.which]?.abort()
            await settle()
            expect(ends.size).toBeLessThanOrEqual(limit)
          }
          while (ends.size > 0) await end([...ends.keys()][0] ?? '')
          const alive = cancels.flatMap(({ signal }, index) => (signal.aborted ? [] : [`c${index + 1}`]))
          expect(begun).toEqual(alive)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a tool that does not exist', () => {
  test.each([
    ['getWeather', 'get_weather'],
    ['get_wether', 'get_weather'],
    ['functions.get_weather', 'get_weather'],
    ['GET-WEATHER', 'get_weather'],
  ])('is told with the names that are close: %s', async (name, close) => {
    const { call } = manager([
      defineTool({ ...plain, name: 'send_mail', run: () => 1 }),
      defineTool({ ...plain, name: close, run: () => 1 }),
    ])
    await expect(call(name)).rejects.toMatchObject({
      code: 'UNKNOWN_TOOL',
      message: `There is no tool named "${name}". Did you mean ${close}? The tools are: send_mail, ${close}.`,
      data: { name, close: [close] },
    })
  })

  test('is told shortly among 769 tools, and with a name of a million characters', async () => {
    const many = Array.from({ length: 769 }, (_, n) =>
      defineTool({ ...plain, name: `some_rather_long_tool_name_${n}`, run: () => 1 }),
    )
    const { call } = manager(many)
    for (const name of ['some_rather_long_tool_nam_7', 'x'.repeat(1_000_000)]) {
      const error: unknown = await call(name).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'UNKNOWN_TOOL', message: expect.stringContaining('and 749 more') })
      expect(JSON.stringify(error).length + String(error).length).toBeLessThan(3000)
    }
  })
})
