import { BuslineError, editHistory, prepareEdits, type ConversationMessage, type HistoryEdit } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identifiedEdits, patchedContext } from '../../src/messages/session-news.ts'

const user = (id: string): ConversationMessage => ({ id, role: 'user', content: id })
const abc = ['a', 'b', 'c'].map(user)
const ids = (messages: readonly ConversationMessage[]) => messages.map(({ id }) => id).join('')

const id = fc.constantFrom('a', 'b', 'c', 'd')
const edit: fc.Arbitrary<HistoryEdit> = fc.oneof(
  fc.record({
    op: fc.constant('mark'),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
    meta: fc.constant({ pinned: true }),
  }),
  fc.record({ op: fc.constant('update'), id, set: fc.record({ content: fc.string() }) }),
  fc.record({ op: fc.constant('replace'), id, message: id.map(user) }),
  fc.record({
    op: fc.constant('insert'),
    after: fc.option(id),
    messages: fc.array(id.map(user), { maxLength: 2 }),
  }),
  fc.record({ op: fc.constant('delete'), ids: fc.array(id, { minLength: 1, maxLength: 2 }) }),
)

describe('editHistory', () => {
  test('leaves the list and the messages that it was given alone', () => {
    const before = structuredClone(abc)

    const after = editHistory(abc, [
      { op: 'mark', ids: ['a'], meta: { archived: true } },
      { op: 'delete', ids: ['b'] },
    ])

    expect(abc).toEqual(before)
    expect(after).toEqual([{ ...user('a'), meta: { archived: true } }, user('c')])
  })

  test('gives all edits at once what it gives them one by one, and nothing changes where one is refused', () => {
    fc.assert(
      fc.property(
        fc.array(id.map(user), { maxLength: 6 }),
        fc.array(edit, { maxLength: 5 }),
        (history, edits) => {
          const outcome = (work: () => ConversationMessage[]): unknown => {
            try {
              return work()
            } catch (error) {
              return error instanceof BuslineError ? error.code : error
            }
          }
          const atOnce = outcome(() => editHistory(history, edits))
          const oneByOne = outcome(() => edits.reduce((list, one) => editHistory(list, [one]), history))
          const mine = [...history]
          const inPlace = outcome(() => {
            prepareEdits(mine, edits)()
            return mine
          })

          expect(atOnce).toEqual(oneByOne)
          expect(inPlace).toEqual(atOnce)
          if (typeof atOnce === 'string') expect(mine).toEqual(history)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('inserts 200 000 messages', () => {
    const messages = Array.from({ length: 200_000 }, () => user('x'))

    expect(editHistory(abc, [{ op: 'insert', after: 'a', messages }])).toHaveLength(200_003)
  })
})

describe('prepareEdits', () => {
  test('changes nothing before it is called', () => {
    const history = [...abc]
    const apply = prepareEdits(history, [{ op: 'delete', ids: ['a'] }])

    expect(ids(history)).toBe('abc')
    apply()
    expect(ids(history)).toBe('bc')
  })

  test('finds messages again after others came, went and moved', () => {
    const history = [...abc]
    const run = (...edits: HistoryEdit[]): void => prepareEdits(history, edits)()

    run({ op: 'mark', ids: ['c'], meta: { pinned: true } })
    history.push(user('d'))
    run({ op: 'delete', ids: ['a'] }, { op: 'insert', after: 'b', messages: [user('x')] })
    run(
      { op: 'update', id: 'c', set: { content: 'new' } },
      { op: 'update', id: 'd', set: { content: 'end' } },
    )

    expect(history.map(({ content }) => content)).toEqual(['b', 'x', 'new', 'end'])
  })
})

describe('identifiedEdits', () => {
  test('gives what is inserted ids that no two edits of a command share', () => {
    const insert: HistoryEdit = { op: 'insert', after: null, messages: [{ role: 'user', content: 'x' }] }

    const edits = identifiedEdits([insert, insert], { id: 'c', turn: 't' })

    expect(edits).toMatchObject([
      { messages: [{ id: 'c/0/0', turn: 't' }] },
      { messages: [{ id: 'c/1/0', turn: 't' }] },
    ])
  })
})

describe('patchedContext', () => {
  test('sets keys, removes those that are null, and leaves a null that was there', () => {
    expect(patchedContext({ a: 1, b: 2, none: null }, { b: null, c: 3 })).toEqual({ a: 1, none: null, c: 3 })
  })
})
