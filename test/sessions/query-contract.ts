import { expect, test } from 'vitest'
import type { ConversationMessage } from '../../src/messages/conversation.ts'
import { AppendMessages, EditMessages, FindMessages, OpenSession } from '../../src/messages/session.ts'
import { busWith } from './session-bus.ts'
import type { StoreUnderTest } from './store-contract.ts'

const HISTORY: ConversationMessage[] = [
  { id: '1', role: 'user', content: 'hello', meta: { time: 10, kind: 'note', tags: ['x', 'y'], custom: { n: 5 } } },
  { id: '2', role: 'assistant', content: 'hi', meta: { time: 20, tags: [], custom: { n: '5' } } },
  { id: '3', role: 'user', content: [{ type: 'text', text: 'look' }, { type: 'image', size: 9 }], meta: { custom: { n: null } } },
  { id: '4', role: 'assistant', content: null, meta: { time: 30, tags: ['y', 'z'], custom: { n: [1, 8], deep: { a: 1, b: [2] } } } },
  { id: '5', role: 'tool', tool_call_id: 'c', content: '9', meta: { archived: true, custom: { n: true, list: [{ a: 1, b: 2 }, { a: 3, b: 4 }] } } },
]

/** What MongoDB finds: a list fits if one of its elements does, null stands for missing too, types do not mix. */
const QUERIES: readonly [where: Record<string, unknown>, ids: string][] = [
  [{}, '12345'],
  [{ role: 'user' }, '13'],
  [{ role: 'user', content: 'hello' }, '1'],
  [{ role: { $eq: 'tool' } }, '5'],
  [{ role: { $ne: 'user' } }, '245'],
  // paths, missing and null
  [{ 'meta.custom.n': 5 }, '1'],
  [{ 'meta.custom.n': '5' }, '2'],
  [{ 'meta.custom.n': null }, '3'],
  [{ 'meta.kind': null }, '2345'],
  [{ content: null }, '4'],
  [{ 'meta.kind': { $ne: null } }, '1'],
  [{ 'meta.kind': { $ne: 'note' } }, '2345'],
  [{ 'meta.nowhere.deeper': null }, '12345'],
  [{ 'meta.kind': { $exists: true } }, '1'],
  [{ 'meta.kind': { $exists: false } }, '2345'],
  [{ 'meta.custom.n': { $exists: true } }, '12345'],
  [{ content: { $exists: true } }, '12345'],
  [{ tool_call_id: { $exists: true } }, '5'],
  // lists
  [{ 'meta.tags': 'y' }, '14'],
  [{ 'meta.tags': ['x', 'y'] }, '1'],
  [{ 'meta.tags': ['y', 'x'] }, ''],
  [{ 'meta.tags': [] }, '2'],
  [{ 'meta.tags': { $ne: 'y' } }, '235'],
  [{ 'meta.tags': { $in: ['x', 'z'] } }, '14'],
  [{ 'meta.tags': { $nin: ['x'] } }, '2345'],
  [{ 'meta.tags': { $nin: ['x', null] } }, '24'],
  [{ 'meta.tags': { $nin: [] } }, '12345'],
  [{ 'meta.tags': { $in: [] } }, ''],
  [{ 'meta.tags': { $in: [null] } }, '35'],
  [{ 'meta.tags': { $all: ['y', 'x'] } }, '1'],
  [{ 'meta.tags': { $size: 2 } }, '14'],
  [{ 'meta.tags': { $size: 0 } }, '2'],
  [{ 'meta.tags.0': 'y' }, '4'],
  [{ 'meta.tags': { $elemMatch: { $gt: 'y' } } }, '4'],
  [{ 'content.type': 'image' }, '3'],
  [{ 'content.size': { $gt: 8 } }, '3'],
  [{ 'meta.custom.list.a': 3 }, '5'],
  [{ 'meta.custom.list': { $elemMatch: { a: 1, b: 2 } } }, '5'],
  [{ 'meta.custom.list': { $elemMatch: { a: 1, b: 4 } } }, ''],
  [{ 'meta.custom.list.a': 1, 'meta.custom.list.b': 4 }, '5'],
  // objects
  [{ 'meta.custom.deep': { a: 1, b: [2] } }, '4'],
  [{ 'meta.custom.deep': { a: 1 } }, ''],
  [{ 'meta.custom.deep.b': 2 }, '4'],
  // order, mixed types
  [{ 'meta.time': { $gt: 10 } }, '24'],
  [{ 'meta.time': { $gte: 10 } }, '124'],
  [{ 'meta.time': { $lt: 20 } }, '1'],
  [{ 'meta.time': { $lte: 20 } }, '12'],
  [{ 'meta.time': { $gt: 10, $lt: 30 } }, '2'],
  [{ 'meta.custom.n': { $gt: 4 } }, '14'],
  [{ 'meta.custom.n': { $lt: 2 } }, '4'],
  [{ 'meta.custom.n': { $gte: '0' } }, '2'],
  [{ 'meta.custom.n': { $in: [5, '5', true] } }, '125'],
  [{ 'meta.time': { $lt: '9' } }, ''],
  // groups
  [{ $or: [{ role: 'tool' }, { 'meta.tags': 'x' }] }, '15'],
  [{ $and: [{ role: 'user' }, { $or: [{ id: '1' }, { id: '2' }] }] }, '1'],
  [{ $nor: [{ role: 'user' }, { id: '5' }] }, '24'],
  [{ role: 'assistant', $or: [{ id: '1' }, { id: '2' }] }, '2'],
  [{ 'meta.time': { $not: { $gt: 10 } } }, '135'],
  [{ 'meta.tags': { $not: { $in: ['y'] } } }, '235'],
  [{ 'meta.tags': { $not: { $size: 2 } } }, '235'],
  [{ 'meta.archived': { $ne: true } }, '1234'],
]

const deep = (depth: number): Record<string, unknown> =>
  depth === 0 ? { role: 'user' } : { $and: [deep(depth - 1)] }

const REFUSED: readonly [what: string, where: Record<string, unknown>, says: RegExp][] = [
  ['an operator that there is not', { role: { $like: 'u' } }, /no operator \$like; there are \$eq, .*\$nor/],
  ['one at the top', { $like: 'u' }, /no operator \$like/],
  ['one inside of others', { $or: [{ id: { $not: { $foo: 1 } } }] }, /\$or\[0\]\.id\.\$not\.\$foo.*no operator/],
  ['code in a text', { $where: 'process.exit(1)' }, /no operator \$where/],
  ['code in a field', { role: { $where: 'while(true);' } }, /no operator \$where/],
  ['code in an element', { 'meta.tags': { $elemMatch: { $where: '1' } } }, /no operator \$where/],
  ['a pattern', { content: { $regex: '(a+)+$' } }, /no operator \$regex/],
  ['an operator of fields at the top', { $gt: 5 }, /\$gt stands in a field/],
  ['a group in a field', { role: { $or: [{ $eq: 'a' }] } }, /\$or stands beside fields/],
  ['operators beside fields', { meta: { $exists: true, kind: 'x' } }, /side by side/],
  ['$in without a list', { role: { $in: 'user' } }, /takes a list/],
  ['$nin without a list', { role: { $nin: 1 } }, /takes a list/],
  ['operators in a list', { role: { $in: [{ $gt: 1 }] } }, /values, not operators/],
  ['$all of nothing', { 'meta.tags': { $all: [] } }, /at least one/],
  ['$or of nothing', { $or: [] }, /at least one/],
  ['$and of no list', { $and: { role: 'user' } }, /at least one/],
  ['$or of no objects', { $or: ['user'] }, /takes an object/],
  ['$not of a value', { role: { $not: 'user' } }, /takes an object/],
  ['$exists of 1', { role: { $exists: 1 } }, /true or false/],
  ['$size of -1', { 'meta.tags': { $size: -1 } }, /whole number/],
  ['$elemMatch of a value', { 'meta.tags': { $elemMatch: 'x' } }, /takes an object/],
  ['what every object has by birth', { constructor: 'x' }, /constructor can't be a field/],
  ['the same on a path', { 'meta.constructor.name': 'Object' }, /constructor can't be a field/],
  ['a prototype', { 'meta.__proto__.x': 1 }, /__proto__ can't be a field/],
  ['a prototype as JSON brings it', JSON.parse('{"meta":{"__proto__":{"x":1}}}'), /__proto__ can't be a field/],
  ['a path with a hole', { 'meta..kind': 1 }, /part of the path is empty/],
  ['a very long path', { [`${'a.'.repeat(30)}a`]: 1 }, /at most 20 parts/],
  ['deep nesting', deep(30), /deeper than 20/],
  ['very deep nesting', deep(400), /deeper than 20/],
  ['a query of thousands of parts', { id: { $in: Array.from({ length: 5000 }, String) } }, /more than 1000 parts/],
]

export function queryContract(create: StoreUnderTest['create']): void {
  async function withHistory() {
    const bus = busWith(create()())
    await bus.execute(OpenSession, { id: 's' })
    const session = bus.session('s')
    await session.execute(AppendMessages, { messages: HISTORY, version: 1 })
    const find = async (where: Record<string, unknown>): Promise<string> =>
      (await session.execute(FindMessages, { where })).map(({ id }) => id).join('')
    return { bus, session, find }
  }

  test.each(QUERIES)('%j finds %j', async (where, ids) => {
    const { find } = await withHistory()

    expect(await find(where)).toBe(ids)
  })

  test.each(REFUSED)('refuses %s', async (_what, where, says) => {
    const { find } = await withHistory()

    await expect(find(where)).rejects.toMatchObject({
      code: 'INVALID_QUERY',
      message: expect.stringMatching(says),
    })
  })

  test('names the operator that there is not and those that there are, as data', async () => {
    const { find } = await withHistory()

    await expect(find({ role: { $like: 'u' } })).rejects.toMatchObject({
      data: { path: 'role.$like', operator: '$like', known: expect.arrayContaining(['$eq', '$nin', '$nor']) },
    })
  })

  test('gives all without a query, the newest first when asked, and as many as asked', async () => {
    const { session } = await withHistory()
    const ids = async (input: { order?: 'newest'; limit?: number; where?: Record<string, unknown> }) =>
      (await session.execute(FindMessages, input)).map(({ id }) => id).join('')

    expect(await ids({})).toBe('12345')
    expect(await ids({ order: 'newest' })).toBe('54321')
    expect(await ids({ limit: 2 })).toBe('12')
    expect(await ids({ order: 'newest', limit: 1, where: { role: 'user' } })).toBe('3')
  })

  test('finds the last message of a role, and the one before it once that is deleted', async () => {
    const { session } = await withHistory()
    const last = async () => {
      const found = await session.execute(FindMessages, { where: { role: 'assistant' }, order: 'newest', limit: 1 })
      return found.map(({ id }) => id)
    }

    expect(await last()).toEqual(['4'])
    await session.execute(EditMessages, { edits: [{ op: 'delete', ids: ['4'] }] })
    expect(await last()).toEqual(['2'])
    await session.execute(EditMessages, { edits: [{ op: 'delete', ids: ['2'] }] })
    expect(await last()).toEqual([])
  })

  test('gives copies: what a caller does to them reaches no history', async () => {
    const { session } = await withHistory()
    const [found] = await session.execute(FindMessages, { where: { id: '1' } })

    found?.meta?.tags?.push('mine')
    Object.assign(found ?? {}, { content: 'mine' })

    expect(await session.execute(FindMessages, { where: { id: '1' } })).toEqual([HISTORY[0]])
  })

  test('searches 10 000 messages with the largest query within seconds', { timeout: 30_000 }, async () => {
    const { session, find } = await withHistory()
    const messages = Array.from({ length: 10_000 }, (_, index) => ({ role: 'user' as const, content: `${index}` }))
    await session.execute(AppendMessages, { messages, version: 1 })
    const began = performance.now()

    expect(await find({ id: { $in: Array.from({ length: 990 }, (_, index) => `n${index}`) } })).toBe('')

    expect(performance.now() - began).toBeLessThan(10_000)
  })
}
