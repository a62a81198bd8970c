import {
  CallTool,
  defineTool,
  ListTools,
  share,
  sharedObjects,
  sharedRef,
  toolManager,
  type Tool,
  type ToolManagerOptions,
} from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const plain = { description: '', parameters: z.object({}) }
const giving = (value: () => unknown, name = 'give'): Tool => defineTool({ ...plain, name, run: value })

function desk(tools: readonly Tool[], options?: ToolManagerOptions) {
  const { bus, journal, clock } = testBus()
  bus.attach(toolManager(tools, options))
  const chat = bus.session('s1')
  const call = (name = 'give', args: unknown = {}, id = 'c1'): Promise<unknown> =>
    chat.execute(CallTool, { call: id, name, arguments: args })
  const names = async (): Promise<string[]> => (await chat.execute(ListTools, {})).map(({ name }) => name)
  return { bus, chat, call, names, journal, clock }
}

describe('what a tool returns', () => {
  test.each([['text'], [7], [true], [null], [['a', { b: [1] }]], [{ a: { b: null } }]])(
    'is told as it is: %j',
    async (value) => {
      expect(await desk([giving(() => value)]).call()).toEqual(value)
    },
  )

  test('is null where it is undefined', async () => {
    expect(await desk([giving(() => undefined)]).call()).toBeNull()
  })

  test.each([
    ['a Date', { at: [new Date(0)] }, 'at[0]', 'toISOString'],
    ['a Map', { by: new Map() }, 'by', 'Object.fromEntries'],
    ['a Set', [new Set()], '[0]', '[...set]'],
    ['a bigint', { n: 1n }, 'n', 'String(value)'],
    ['what it shares, where nobody keeps it', { big: share({}) }, 'big', 'sharedObjects()'],
  ])(
    'is refused with place and remedy when it holds %s, and the model reads that the tool ran',
    async (_name, value, path, remedy) => {
      await expect(desk([giving(() => value)]).call()).rejects.toMatchObject({
        code: 'NOT_JSON',
        message: expect.stringMatching(/^give ran, but its result can't be shown/),
        data: { path },
      })
      await expect(desk([giving(() => value)]).call()).rejects.toThrow(remedy)
    },
  )

  test('is refused when it holds itself', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = [cycle]
    await expect(desk([giving(() => cycle)]).call()).rejects.toMatchObject({
      code: 'NOT_JSON',
      data: { path: 'self[0]' },
    })
  })

  test('are bytes: told as base64, wherever they stand, and other values untouched', async () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    const told = { type: 'binary', bytes: 2, base64: 'AgM=' }
    expect(await desk([giving(() => bytes)]).call()).toEqual(told)
    expect(
      await desk([giving(() => ({ a: [Buffer.from(bytes), 'x'], b: bytes.slice().buffer, c: 1 }))]).call(),
    ).toEqual({
      a: [told, 'x'],
      b: told,
      c: 1,
    })
  })

  test('are more bytes than are shown: refused with place and remedy', async () => {
    await expect(desk([giving(() => ({ image: new Uint8Array(8193) }))]).call()).rejects.toMatchObject({
      code: 'NOT_JSON',
      message: expect.stringMatching(/^give ran.*8193 bytes at image.*sharedObjects\(\)/),
    })
  })
})

describe('objects shared between tools', () => {
  const seen: unknown[] = []
  const paint = giving(() => ({ image: new Uint8Array(100_000), width: 3 }), 'paint')
  const measure = defineTool({
    name: 'measure',
    description: '',
    parameters: z.object({ image: sharedRef({ type: z.instanceof(Uint8Array) }) }),
    approval: ({ image }) => {
      seen.push(image.byteLength)
      return false
    },
    run: ({ image }) => image.byteLength,
  })

  test('the model passes a ref, the other tool gets the object, and so does what decides on an approval', async () => {
    const { call } = desk([paint, measure], { sharedObjects: sharedObjects() })
    const painted = z
      .object({ image: z.object({ $ref: z.string(), bytes: z.literal(100_000) }), width: z.literal(3) })
      .parse(await call('paint'))
    expect(await call('measure', { image: painted.image.$ref })).toBe(100_000)
    expect(seen).toEqual([100_000])
  })

  test('a ref that there is not is told to the model, also where nothing is shared', async () => {
    for (const options of [{}, { sharedObjects: sharedObjects() }]) {
      await expect(desk([measure], options).call('measure', { image: 'ref:x' })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENTS',
      })
    }
  })
})

describe('a long result', () => {
  const long = 'x'.repeat(15_000) + 'y'.repeat(15_000)

  test('can be read on in, in its session, from when there is one', async () => {
    const { bus, call, names } = desk([giving(() => long)])
    expect(await names()).toEqual(['give'])
    expect(await call('give', {}, 'c7')).toBe(long)
    expect(await names()).toEqual(['give', 'read_tool_result'])
    expect(await call('read_tool_result', { handle: 'c7', offset: 14_999, length: 2 })).toEqual({
      offset: 14_999,
      text: 'xy',
      next: 15_001,
      total: 30_000,
    })
    expect((await bus.session('s2').execute(ListTools, {})).map(({ name }) => name)).toEqual(['give'])
    const elsewhere = bus
      .session('s2')
      .execute(CallTool, { call: 'x', name: 'read_tool_result', arguments: { handle: 'c7' } })
    await expect(elsewhere).rejects.toMatchObject({ code: 'INVALID_ARGUMENTS' })
  })

  test('is kept text by text where it has several, each under the handle that the model is told', async () => {
    const { call } = desk([
      giving(() => [
        { type: 'text', text: long },
        { type: 'text', text: `B${long}` },
      ]),
    ])
    await call()
    for (const [handle, text] of [
      ['c1', long[0]],
      ['c1#2', 'B'],
    ])
      expect(await call('read_tool_result', { handle, length: 1 })).toMatchObject({ text })
  })

  test('is kept as the model is shown it: JSON, or the long text among content parts', async () => {
    const mixed = [{ type: 'text', text: long }, { other: 1 }]
    for (const [value, text, handle] of [
      [{ a: long }, JSON.stringify({ a: long }), 'c1'],
      [mixed, JSON.stringify(mixed), 'c1'],
      [
        [
          { type: 'text', text: 'short' },
          { type: 'text', text: long },
        ],
        long,
        'c1#2',
      ],
    ] as const) {
      const { call } = desk([giving(() => value)])
      await call()
      expect(await call('read_tool_result', { handle, length: 1 })).toMatchObject({
        total: text.length,
        text: text[0],
      })
    }
  })

  test('is kept from the length on that the options say, or not at all', async () => {
    const short = desk([giving(() => 'x'.repeat(11))], { results: { over: 10 } })
    await short.call()
    expect(await short.names()).toContain('read_tool_result')
    const none = desk([giving(() => long)], { results: false })
    await none.call()
    expect(await none.names()).toEqual(['give'])
    await expect(none.call('read_tool_result', { handle: 'c1' })).rejects.toMatchObject({
      code: 'UNKNOWN_TOOL',
    })
    expect(() => toolManager([giving(() => 1, 'read_tool_result')])).toThrow(
      /has a tool named read_tool_result itself/,
    )
    expect(() => toolManager([giving(() => 1, 'read_tool_result')], { results: false })).not.toThrow()
  })
})
