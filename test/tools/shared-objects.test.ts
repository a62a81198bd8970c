import {
  CallTool,
  defineTool,
  ListTools,
  share,
  sharedObjects,
  sharedRef,
  toolManager,
  type SharedObjectsOptions,
  type Tool,
} from 'busline'
import { testBus } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { resolveRefs, shareResult } from '../../src/tools/shared-objects.ts'

const Ref = z.object({ $ref: z.string() })

function maker(make: () => unknown): Tool {
  return defineTool({ name: 'make', description: 'Makes.', parameters: z.object({}), run: make })
}

/** A tool that notes what it is given. */
function taker(taken: unknown[], parameters: z.ZodType = z.object({ image: sharedRef() })): Tool {
  return defineTool({
    name: 'take',
    description: 'Takes.',
    parameters,
    run: (input) => {
      taken.push(input)
      return 'taken'
    },
  })
}

function room(tools: Tool[], options: SharedObjectsOptions = {}) {
  const test = testBus()
  test.bus.attach(toolManager(tools, { sharedObjects: sharedObjects(options) }))
  let calls = 0
  const call = (name: string, args: unknown = {}, session = 's'): Promise<unknown> =>
    test.bus.session(session).execute(CallTool, { call: `c${++calls}`, name, arguments: args })
  const make = async (session = 's'): Promise<string> => Ref.parse(await call('make', {}, session)).$ref
  return { ...test, call, make }
}

describe('objects that tools share', () => {
  test('a buffer of one tool reaches another as the same instance, and only its ref is told and recorded', async () => {
    const image = Buffer.from('\u0089PNG, a secret picture, many bytes')
    const taken: unknown[] = []
    const { call, bus, journal } = room([maker(() => image), taker(taken)])

    const told = await call('make')
    expect(told).toEqual({
      $ref: expect.stringMatching(/^ref:[0-9a-z]{10,}$/),
      mediaType: 'application/octet-stream',
      bytes: image.byteLength,
    })
    await call('take', { image: Ref.parse(told).$ref })

    expect(taken).toEqual([{ image: expect.anything() }])
    expect(z.object({ image: z.unknown() }).parse(taken[0]).image).toBe(image)
    await bus.stop()
    expect(JSON.stringify(journal)).not.toContain('secret picture')
    expect(JSON.stringify(journal)).not.toContain(image.toString('base64').slice(0, 20))
  })

  test('any value is shared when the tool says so, with the name and type that it gives', async () => {
    const table = { rows: new Map([[1, () => 'a function']]) }
    const taken: unknown[] = []
    const { call } = room([
      maker(() => ({
        note: 'done',
        table: share(table, { name: 'sales', mediaType: 'application/x-table' }),
      })),
      taker(taken),
    ])
    const told = z.object({ note: z.string(), table: Ref.loose() }).parse(await call('make'))
    expect(told).toMatchObject({ note: 'done', table: { name: 'sales', mediaType: 'application/x-table' } })
    await call('take', { image: told.table.$ref })
    expect(z.object({ image: z.unknown() }).parse(taken[0]).image).toBe(table)
  })

  test('bytes are found inside of objects and arrays, whatever kind of array they are', async () => {
    const kinds = [
      new Uint8Array(3),
      new Float64Array(2),
      new ArrayBuffer(5),
      new DataView(new ArrayBuffer(4)),
    ]
    const { call } = room([maker(() => ({ list: kinds, n: 1 }))])
    await expect(call('make')).resolves.toEqual({
      list: [3, 16, 5, 4].map((bytes) => expect.objectContaining({ $ref: expect.any(String), bytes })),
      n: 1,
    })
  })

  test('a parameter takes the whole object that the model was shown, too, and refs anywhere in its arguments', async () => {
    const bytes = new Uint8Array(1)
    const taken: unknown[] = []
    const parameters = z.object({
      all: z.array(sharedRef()),
      either: z.union([z.number(), sharedRef()]),
      maybe: sharedRef().optional(),
    })
    const { call, make } = room([maker(() => bytes), taker(taken, parameters)])
    const ref = await make()
    await call('take', { all: [ref, { $ref: ref, bytes: 1 }], either: ref })
    const got = z.object({ all: z.array(z.unknown()), either: z.unknown() }).parse(taken[0])
    expect(got.all[0]).toBe(bytes)
    expect(got.all[1]).toBe(bytes)
    expect(got.either).toBe(bytes)
    expect(taken[0]).not.toHaveProperty('maybe')
  })

  test('a text that looks like a ref stays a text where the parameter is no shared one', async () => {
    const taken: unknown[] = []
    const { call, make } = room([
      maker(() => new Uint8Array(1)),
      taker(taken, z.object({ text: z.string() })),
    ])
    const ref = await make()
    await call('take', { text: ref })
    expect(taken).toEqual([{ text: ref }])
  })

  test('the model is told that a ref belongs there, and how it looks', async () => {
    const parameters = z.object({ image: sharedRef({ description: 'The picture to sharpen.' }).optional() })
    const { bus } = room([taker([], parameters)])
    const [shown] = await bus.execute(ListTools, {})
    expect(shown?.parameters).toMatchObject({
      properties: {
        image: {
          type: 'string',
          pattern: '^ref:[0-9a-zA-Z_-]+$',
          description: 'The picture to sharpen. Give its `$ref`, like "ref:…".',
        },
      },
    })
  })

  test('the tool gets the type that it asks for, and another is refused with its ref', async () => {
    const tool = defineTool({
      name: 'take',
      description: '',
      parameters: z.object({ image: sharedRef({ type: z.instanceof(Uint8Array) }) }),
      run({ image }) {
        expectTypeOf(image).toExtend<Uint8Array>()
        return image.byteLength
      },
    })
    let made: unknown = new Uint8Array(7)
    const { call, make } = room([maker(() => share(made)), tool])
    await expect(call('take', { image: await make() })).resolves.toBe(7)
    made = 'a text'
    await expect(call('take', { image: await make() })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringMatching(/ref:\w+ is of another type: .*Uint8Array/),
    })
  })

  test('a type is checked and does not change the object', async () => {
    const object = { a: 1, b: 2 }
    const taken: unknown[] = []
    const parameters = z.object({ image: sharedRef({ type: z.object({ a: z.number() }) }) })
    const { call, make } = room([maker(() => share(object)), taker(taken, parameters)])
    await call('take', { image: await make() })
    expect(z.object({ image: z.unknown() }).parse(taken[0]).image).toBe(object)
  })
})

describe('refs that lead nowhere', () => {
  const refused = (message: RegExp) => ({
    code: 'INVALID_ARGUMENTS',
    message: expect.stringMatching(message),
  })

  test('a ref of another session is unknown, and so is one that was made up', async () => {
    const taken: unknown[] = []
    const { call, make } = room([maker(() => new Uint8Array(1)), taker(taken)])
    const ref = await make('mine')
    const unknown = refused(
      /There is no object ref:\w+\. Use the `\$ref` of a tool result of this conversation/,
    )
    await expect(call('take', { image: ref }, 'yours')).rejects.toMatchObject(unknown)
    await expect(call('take', { image: 'ref:0123456789' }, 'mine')).rejects.toMatchObject(unknown)
    await expect(call('take', { image: ref }, 'mine')).resolves.toBe('taken')
    expect(taken).toHaveLength(1)
  })

  test.each(['image.png', '', 'ref:', 'ref:../../etc', 7, null, { $ref: 3 }])(
    '%j is no ref',
    async (image) => {
      const { call } = room([taker([])])
      await expect(call('take', { image })).rejects.toMatchObject(refused(/image: /))
    },
  )

  test('an object is gone after its time, and the model is told to make it again', async () => {
    const { call, make, clock } = room([maker(() => new Uint8Array(1)), taker([])], { ttl: 1000 })
    const ref = await make()
    await clock.advance(999)
    await expect(call('take', { image: ref })).resolves.toBe('taken')
    await clock.advance(1)
    await expect(call('take', { image: ref })).rejects.toMatchObject(
      refused(/limited time, which is over\. Call the tool that made it again\./),
    )
  })

  test.each([{ maxBytes: 20 }, { maxObjects: 2 }])(
    'the oldest make room for new ones with %j',
    async (bounds) => {
      const { call, make } = room([maker(() => new Uint8Array(10)), taker([])], bounds)
      const [first, second, third] = [await make(), await make(), await make()]
      await expect(call('take', { image: first })).rejects.toMatchObject(
        refused(/made room for newer objects/),
      )
      await expect(call('take', { image: second })).resolves.toBe('taken')
      await expect(call('take', { image: third })).resolves.toBe('taken')
    },
  )

  test('an object that is larger than all may be is refused where it is returned', async () => {
    const { call } = room([maker(() => new Uint8Array(21))], { maxBytes: 20 })
    await expect(call('make')).rejects.toMatchObject({
      code: 'INVALID_OUTPUT',
      message: expect.stringContaining('21 bytes'),
    })
  })

  test.each([
    [{ maxBytes: 0 }, 'sharedObjects.maxBytes'],
    [{ ttl: 0 }, 'sharedObjects.ttl'],
    [{ maxObjects: -1 }, 'sharedObjects.maxObjects'],
  ])('options %j are refused', (options, option) => {
    expect(() => sharedObjects(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
    )
  })

  test('a size that is none is refused where it is given', () => {
    expect(() => share({}, { bytes: -1 })).toThrow(/share.bytes/)
  })
})

describe('how large an object counts', () => {
  const scope = { session: 's', now: () => 0, newId: () => 'x' }
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  test.each<[string, unknown, number]>([
    ['bytes by their length', new Uint16Array(4), 8],
    ['a string by its UTF-8', 'äö', 4],
    ['an object by its JSON', { a: 1 }, 7],
    ['a function not at all', () => 1, 0],
    ['a cycle not at all', cycle, 0],
  ])('%s', (_, value, bytes) => {
    expect(sharedObjects().put(value, {}, scope)).toMatchObject({ bytes })
  })

  test('or as whoever shares it says', () => {
    expect(sharedObjects().put(() => 1, { bytes: 99 }, scope)).toMatchObject({ bytes: 99 })
  })
})

describe('shareResult', () => {
  let ids = 0
  const scope = { session: 's', now: () => 0, newId: () => `id${++ids}` }

  test('leaves results without objects as they are, cycles and deep ones too', () => {
    const cycle: { list: unknown[] } = { list: [] }
    cycle.list.push(cycle)
    let deep: unknown = []
    for (let level = 0; level < 20_000; level++) deep = [deep]
    for (const result of [null, undefined, 'text', [Number.NaN, -0], { a: [{}] }, new Date(0), cycle, deep])
      expect(shareResult(sharedObjects(), result, scope)).toBe(result)
  })

  test('every object comes back as itself, wherever it stood, and nothing else is changed', () => {
    const bytes = fc.uint8Array({ maxLength: 4 })
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(bytes, fc.string(), fc.integer(), fc.constant(null)),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '$ref'), tie('tree'), {
          maxKeys: 3,
          noNullPrototype: true,
        }),
      ),
    }))
    fc.assert(
      fc.property(tree, (result) => {
        const objects = sharedObjects()
        const told = shareResult(objects, result, scope)
        expect(JSON.parse(JSON.stringify(told))).toEqual(told)
        sameAgain(result, told)
        function sameAgain(value: unknown, told: unknown): void {
          if (value instanceof Uint8Array) {
            const { $ref } = Ref.parse(told)
            expect(objects.get($ref, scope)).toBe(value)
            expect(resolveRefs(objects, [sharedRef().parse($ref)], scope)).toEqual([value])
          } else if (
            typeof value === 'object' &&
            value !== null &&
            typeof told === 'object' &&
            told !== null
          ) {
            expect(Object.keys(told)).toEqual(Object.keys(value))
            for (const key of Object.keys(value)) sameAgain(ownOf(value, key), ownOf(told, key))
          } else expect(told).toBe(value)
        }
      }),
    )
  })
})

function ownOf(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}
