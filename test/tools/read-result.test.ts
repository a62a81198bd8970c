import {
  CallTool,
  MessageBus,
  memoryJournal,
  readToolResult,
  resultStore,
  toolManager,
  type ResultStore,
} from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { matchesIn, sliceOf } from '../../src/tools/read-result.ts'

const Slice = z.object({
  offset: z.number(),
  text: z.string(),
  next: z.number().nullable(),
  total: z.number(),
})

function reader(store: ResultStore, options = {}) {
  const bus = new MessageBus({ journal: memoryJournal() })
  bus.attach(toolManager([readToolResult(store, options)], { results: false }))
  return (args: unknown, session = 's'): Promise<unknown> =>
    bus.session(session).execute(CallTool, { call: 'r', name: 'read_tool_result', arguments: args })
}

function holding(text: string): ResultStore {
  const store = resultStore({ now: () => 0 })
  store.keep({ session: 's', call: 'c1', text })
  return store
}

describe('read_tool_result', () => {
  test('gives 1 MB whole to whoever follows the next offsets, no answer longer than it may be', async () => {
    const text = Array.from(
      { length: 20_000 },
      (_, index) => `line ${index} "quoted" 😀 with more text behind it`,
    )
      .join('\n')
      .slice(0, 1_000_001)
    const read = reader(holding(text))
    const parts: string[] = []
    for (let offset: number | null = 0; offset !== null;) {
      const slice = Slice.parse(await read({ handle: 'c1', offset }))
      expect(slice.text.length).toBeLessThanOrEqual(8000)
      expect(slice.total).toBe(text.length)
      parts.push(slice.text)
      offset = slice.next
    }
    expect(text.length).toBeGreaterThan(900_000)
    expect(parts.join('')).toBe(text)
  })

  test('gives the part that was asked for', async () => {
    const read = reader(holding('0123456789'))
    await expect(read({ handle: 'c1', offset: 3, length: 4 })).resolves.toEqual({
      offset: 3,
      text: '3456',
      next: 7,
      total: 10,
    })
    await expect(read({ handle: 'c1', offset: 99 })).resolves.toEqual({
      offset: 10,
      text: '',
      next: null,
      total: 10,
    })
  })

  test('finds a text wherever it stands, with what is around it', async () => {
    const read = reader(holding(`${'a'.repeat(500)}Needle${'b'.repeat(500)}nEEDLE.`))
    await expect(read({ handle: 'c1', find: 'needle' })).resolves.toEqual({
      matches: [
        { offset: 500, text: `${'a'.repeat(100)}Needle${'b'.repeat(100)}` },
        { offset: 1006, text: `${'b'.repeat(100)}nEEDLE.` },
      ],
      next: null,
      total: 1013,
    })
    await expect(read({ handle: 'c1', find: 'needle', offset: 501 })).resolves.toMatchObject({
      matches: [{ offset: 1006 }],
    })
  })

  test('shows no more than 100 characters on either side of a match, also at the beginning', async () => {
    const read = reader(holding(`Needle${'b'.repeat(500)}`))
    await expect(read({ handle: 'c1', find: 'Needle' })).resolves.toMatchObject({
      matches: [{ offset: 0, text: `Needle${'b'.repeat(100)}` }],
    })
  })

  test('says where to search on when not all matches fit', async () => {
    const text = 'hit '.repeat(10_000)
    const read = reader(holding(text))
    const Found = z.object({
      matches: z.array(z.object({ offset: z.number(), text: z.string() })),
      next: z.number().nullable(),
    })
    const offsets: number[] = []
    for (let offset: number | null = 0; offset !== null;) {
      const found = Found.parse(await read({ handle: 'c1', find: 'hit', offset }))
      expect(found.matches.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(8000)
      offsets.push(...found.matches.map(({ offset }) => offset))
      offset = found.next
    }
    expect(offsets).toEqual(Array.from({ length: 10_000 }, (_, index) => index * 4))
  })

  test.each(['.*', '(', '\\', '[a', 'a|b', '$', '-', '{1}', '/'])(
    'finds %j as it is written, not as a pattern',
    async (find) => {
      const read = reader(holding(`xx${find}yy`))
      await expect(read({ handle: 'c1', find })).resolves.toMatchObject({ matches: [{ offset: 2 }] })
      await expect(reader(holding('nothing of it'))({ handle: 'c1', find: 'zzz' })).resolves.toMatchObject({
        matches: [],
        next: null,
      })
    },
  )

  test('tells a model what to do about a handle that is unknown, or one of another session', async () => {
    const read = reader(holding('text'))
    await expect(read({ handle: 'nope' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringMatching(/handle: there is no result "nope".*a cut result of this conversation/),
      data: { handle: 'nope', absent: 'unknown' },
    })
    await expect(read({ handle: 'c1' }, 'other')).rejects.toMatchObject({ data: { absent: 'unknown' } })
  })

  test('tells why a result is gone', async () => {
    let time = 0
    const store = resultStore({ now: () => time, maxBytes: 4, ttl: 10 })
    for (const call of ['c1', 'c2']) store.keep({ session: 's', call, text: 'text' })
    store.keep({ session: 's', call: 'c3', text: 'longer' })
    const read = reader(store)
    await expect(read({ handle: 'c1' })).rejects.toThrow(/made room for newer results\. Call the tool again/)
    await expect(read({ handle: 'c3' })).rejects.toThrow(/too large to be kept/)
    time = 10
    await expect(read({ handle: 'c2' })).rejects.toThrow(/limited time, which is over/)
  })

  test.each([
    [{ handle: 'c1', offset: -1 }, 'offset'],
    [{ handle: 'c1', length: 0 }, 'length'],
    [{ handle: 'c1', length: 8001 }, 'length'],
    [{ handle: 'c1', find: '' }, 'find'],
    [{}, 'handle'],
  ])('refuses %j', async (args, field) => {
    await expect(reader(holding('text'))(args)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringContaining(`${field}:`),
    })
  })

  test('refuses an answer too short to be of use', () => {
    expect(() => readToolResult(holding(''), { maxLength: 10 })).toThrow(/readToolResult.maxLength/)
  })
})

/** Texts with pairs, and with halves of pairs that stand alone. */
const texts = fc
  .array(fc.constantFrom('a', 'é', '😀', '\ud83d', '\ude00', '\n'), { maxLength: 40 })
  .map((parts) => parts.join(''))

test('slices that are read on by next are the whole text, and none begins or ends within a pair', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 7 }), (text, length) => {
      const parts: string[] = []
      for (let offset: number | null = 0; offset !== null;) {
        const slice = sliceOf(text, { offset, length })
        expect(slice.offset).toBe(offset)
        expect(slice.text.length).toBeLessThanOrEqual(Math.max(length, 2))
        if (slice.next !== null) expect(slice.next).toBeGreaterThan(offset)
        parts.push(slice.text)
        offset = slice.next
      }
      expect(parts.join('')).toBe(text)
      // Where a pair was split, joining by code points would give one more.
      expect(parts.reduce((sum, part) => sum + codePoints(part), 0)).toBe(codePoints(text))
    }),
  )
})

function codePoints(text: string): number {
  return Array.from(text).length
}

test('a slice from anywhere begins at the offset, or one earlier where that is within a pair', () => {
  fc.assert(
    fc.property(texts, fc.nat(50), fc.integer({ min: 1, max: 50 }), (text, offset, length) => {
      const slice = sliceOf(text, { offset, length })
      const start = Math.min(offset, text.length)
      expect([start, start - 1]).toContain(slice.offset)
      expect(text.slice(slice.offset, slice.offset + slice.text.length)).toBe(slice.text)
      expect(slice.next).toBe(
        slice.offset + slice.text.length < text.length ? slice.offset + slice.text.length : null,
      )
    }),
  )
})

test('each match stands where it says', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom('a', 'é', '😀', 'aa', '\n'), fc.nat(20), (text, find, offset) => {
      const { matches } = matchesIn(text, find, { offset, length: 1000 })
      for (const match of matches) expect(text.startsWith(find, match.offset)).toBe(true)
      // Within a pair it begins with the pair, like a slice.
      const { offset: start } = sliceOf(text, { offset, length: 1 })
      expect(matches.length > 0).toBe(text.indexOf(find, start) !== -1)
    }),
    { numRuns: 1000 },
  )
})
