import { expect, test } from 'vitest'
import type { ConversationMessage } from '../../src/messages/conversation.ts'
import type { HistoryEdit } from '../../src/messages/edit-history.ts'
import {
  AppendMessages,
  CloseSession,
  EditMessages,
  FindMessages,
  OpenSession,
  UpdateSession,
} from '../../src/messages/session.ts'
import { busWith } from './session-bus.ts'
import type { StoreUnderTest } from './store-contract.ts'

const user = (id: string): ConversationMessage => ({ id, role: 'user', content: id, turn: 't' })
const abc = ['a', 'b', 'c'].map(user)

/** Each edit of a history of messages a, b and c; what of it is expected, as text: id=content, `archived` and other marks behind. */
const EDITS: readonly [what: string, edits: HistoryEdit[], expected: string][] = [
  ['update by id', [{ op: 'update', id: 'b', set: { content: 'new' } }], 'a=a b=new c=c'],
  ['update: null takes a field away', [{ op: 'update', id: 'b', set: { name: 'n' } }, { op: 'update', id: 'b', set: { name: null } }], 'a=a b=b c=c'],
  ['update keeps id and turn', [{ op: 'update', id: 'b', set: { id: 'z', turn: 'u' } }], 'a=a b=b c=c'],
  ['update sets a content of null', [{ op: 'update', id: 'b', set: { content: null } }], 'a=a b=null c=c'],
  ['archive by id', [{ op: 'mark', ids: ['a', 'c'], meta: { archived: true } }], 'a=a+archived b=b c=c+archived'],
  ['marks add up, and null takes one back', [
    { op: 'mark', ids: ['a'], meta: { archived: true, pinned: true } },
    { op: 'mark', ids: ['a'], meta: { archived: null } },
  ], 'a=a+pinned b=b c=c'],
  ['a mark twice is one', [
    { op: 'mark', ids: ['a', 'a'], meta: { purged: true } },
    { op: 'mark', ids: ['a'], meta: { purged: true } },
  ], 'a=a+purged b=b c=c'],
  ['delete by id', [{ op: 'delete', ids: ['b'] }], 'a=a c=c'],
  ['delete all', [{ op: 'delete', ids: ['a', 'b', 'c', 'a'] }], ''],
  ['insert after', [{ op: 'insert', after: 'a', messages: [user('x'), user('y')] }], 'a=a x=x y=y b=b c=c'],
  ['insert at the end', [{ op: 'insert', after: 'c', messages: [user('x')] }], 'a=a b=b c=c x=x'],
  ['insert at the beginning', [{ op: 'insert', after: null, messages: [user('x')] }], 'x=x a=a b=b c=c'],
  ['replace by id keeps the id', [{ op: 'replace', id: 'b', message: user('other') }], 'a=a b=other c=c'],
  ['one edit sees what those before it made', [
    { op: 'insert', after: 'b', messages: [user('x')] },
    { op: 'delete', ids: ['b'] },
    { op: 'update', id: 'x', set: { content: 'after' } },
    { op: 'mark', ids: ['x', 'c'], meta: { pinned: true } },
  ], 'a=a x=after+pinned c=c+pinned'],
]

const REFUSED: readonly [what: string, edits: HistoryEdit[], code: string][] = [
  ['update', [{ op: 'update', id: 'none', set: {} }], 'MESSAGE_NOT_FOUND'],
  ['mark', [{ op: 'mark', ids: ['a', 'none'], meta: { archived: true } }], 'MESSAGE_NOT_FOUND'],
  ['replace', [{ op: 'replace', id: 'none', message: user('x') }], 'MESSAGE_NOT_FOUND'],
  ['delete', [{ op: 'delete', ids: ['none'] }], 'MESSAGE_NOT_FOUND'],
  ['insert', [{ op: 'insert', after: 'none', messages: [user('x')] }], 'MESSAGE_NOT_FOUND'],
  ['what an edit before it deleted', [{ op: 'delete', ids: ['b'] }, { op: 'mark', ids: ['b'], meta: {} }], 'MESSAGE_NOT_FOUND'],
  ['what every object has by birth', [{ op: 'delete', ids: ['constructor'] }], 'MESSAGE_NOT_FOUND'],
  ['an update that makes no message', [{ op: 'update', id: 'a', set: { role: 'robot' } }], 'VALIDATION_FAILED'],
  ['an update that takes the role away', [{ op: 'update', id: 'a', set: { role: null } }], 'VALIDATION_FAILED'],
  ['a mark of a wrong shape', [{ op: 'mark', ids: ['a'], meta: { pinned: 'yes' } }], 'VALIDATION_FAILED'],
]

const shown = (messages: readonly ConversationMessage[]): string =>
  messages
    .map(({ id, content, meta = {} }) => [`${id}=${typeof content === 'string' ? content : JSON.stringify(content)}`, ...Object.keys(meta)].join('+'))
    .join(' ')

export function editContract(create: StoreUnderTest['create']): void {
  /** A store with messages a, b and c in session s. */
  async function withAbc() {
    const store = create()
    const bus = busWith(store())
    await bus.execute(OpenSession, { id: 's' })
    const session = bus.session('s')
    await session.execute(AppendMessages, { messages: abc, version: 1 })
    const reopened = async () => {
      await bus.stop()
      return busWith(store()).execute(OpenSession, { id: 's' })
    }
    return { bus, session, reopened, edit: (edits: HistoryEdit[]) => session.execute(EditMessages, { edits }) }
  }

  test.each(EDITS)('%s', async (_what, edits, expected) => {
    const { session, edit, reopened } = await withAbc()

    expect(await edit(edits)).toEqual({ version: 2 })

    const live = await session.execute(OpenSession, {})
    expect(shown(live.messages)).toBe(expected)
    for (const { turn } of live.messages) expect(turn).toBe('t')
    expect(await reopened()).toEqual(live)
  })

  test('replace all, and append, are an update and an append: their messages can be edited', async () => {
    const { session, edit } = await withAbc()

    await session.execute(UpdateSession, { messages: [user('x'), user('y')] })
    await session.execute(AppendMessages, { messages: [user('z')], version: 2 })
    await edit([{ op: 'delete', ids: ['y'] }])

    expect(shown((await session.execute(OpenSession, {})).messages)).toBe('x=x z=z')
    await expect(edit([{ op: 'delete', ids: ['a'] }])).rejects.toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  })

  test.each(REFUSED)('refuses %s, and nothing has changed, of the edits before it either', async (_what, edits, code) => {
    const { session, edit, reopened } = await withAbc()
    const before = await session.execute(OpenSession, {})

    const editing = edit([
      { op: 'mark', ids: ['a'], meta: { archived: true } },
      { op: 'insert', after: null, messages: [user('first')] },
      ...edits,
    ])

    await expect(editing).rejects.toMatchObject({ code })
    await expect(edit([{ op: 'mark', ids: ['a'], meta: { archived: true } }, ...edits])).rejects.toMatchObject({ code })
    expect(await session.execute(OpenSession, {})).toEqual(before)
    expect(await reopened()).toEqual(before)
  })

  test('names the id that there is not, and the message that an update would spoil', async () => {
    const { edit } = await withAbc()

    await expect(edit([{ op: 'delete', ids: ['none'] }])).rejects.toMatchObject({
      data: { id: 'none' },
      message: expect.stringContaining('"none"'),
    })
    await expect(edit([{ op: 'update', id: 'b', set: { content: 5 } }])).rejects.toMatchObject({
      data: { id: 'b' },
      message: expect.stringContaining('content'),
    })
  })

  test('is refused when a version is given that is not the current one', async () => {
    const { session } = await withAbc()
    const edits: HistoryEdit[] = [{ op: 'delete', ids: ['a'] }]

    await expect(session.execute(EditMessages, { edits, version: 7 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      data: { expected: 7, actual: 1 },
    })
    expect(await session.execute(EditMessages, { edits, version: 1 })).toEqual({ version: 2 })
  })

  test('gives inserted messages the ids that they lack, and the turn of the scope', async () => {
    const { session } = await withAbc()
    const messages: ConversationMessage[] = [{ role: 'user', content: 'x' }, { id: 'own', role: 'user', content: 'y' }]

    await session.execute(
      EditMessages,
      { edits: [{ op: 'delete', ids: ['b'] }, { op: 'insert', after: 'a', messages }] },
      { turn: 'now' },
    )

    const found = await session.execute(FindMessages, { where: { turn: 'now' } })
    expect(found).toMatchObject([{ id: expect.stringMatching(/\/1\/0$/), content: 'x' }, { id: 'own', content: 'y' }])
  })

  test('of messages with one id the last is meant', async () => {
    const { session, edit, reopened } = await withAbc()
    await session.execute(AppendMessages, { messages: [{ ...user('a'), content: 'again' }], version: 1 })

    await edit([{ op: 'mark', ids: ['a'], meta: { pinned: true } }])

    expect(shown((await reopened()).messages)).toBe('a=a b=b c=c a=again+pinned')
  })

  test('does not reach a session that was handed out before', async () => {
    const { session, edit } = await withAbc()
    const before = await session.execute(OpenSession, {})

    await edit([{ op: 'mark', ids: ['a'], meta: { archived: true } }, { op: 'update', id: 'b', set: { content: 'x' } }])

    expect(before.messages).toEqual(abc)
  })

  test('metadata comes back as it was: appended, marked, closed and reopened', async () => {
    const { session, edit, reopened } = await withAbc()
    const meta = {
      time: 1_700_000_000_000,
      kind: 'note',
      tags: ['x', 'ä'],
      custom: { deep: [{ n: 1, none: null }], text: '€' },
      unknown: { kept: true },
    }
    await session.execute(AppendMessages, { messages: [{ ...user('m'), meta }], version: 1 })
    await session.execute(CloseSession, {})
    await session.execute(OpenSession, {})

    await edit([{ op: 'mark', ids: ['m'], meta: { tags: ['y'] } }])

    const [message] = (await reopened()).messages.slice(-1)
    expect(message).toEqual({ ...user('m'), meta: { ...meta, tags: ['y'] } })
  })
}
