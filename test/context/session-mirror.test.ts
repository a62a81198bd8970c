import {
  AppendMessages,
  contextManager,
  DeleteSession,
  EditMessages,
  memorySessions,
  MessageBus,
  OpenSession,
  ReadContext,
  Session,
  textOf,
  UpdateSession,
  type ConversationMessage,
  type HistoryEdit,
} from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const user = (id: string): ConversationMessage => ({ id, role: 'user', content: id })
const call = (id: string, ...calls: string[]): ConversationMessage => ({
  id,
  role: 'assistant',
  content: null,
  tool_calls: calls.map((one) => ({ id: one, type: 'function', function: { name: 'f', arguments: '{}' } })),
})
const result = (id: string, of: string): ConversationMessage => ({
  id,
  role: 'tool',
  tool_call_id: of,
  content: id,
})

/** A bus whose context manager follows the session `s`. */
async function following(messages: ConversationMessage[] = []) {
  const bus = new MessageBus()
  bus.attach(memorySessions())
  bus.attach(contextManager())
  await bus.execute(OpenSession, { id: 's' })
  const session = bus.session('s')
  const append = (...more: ConversationMessage[]) =>
    bus
      .execute(OpenSession, { id: 's' })
      .then(({ version }) => session.execute(AppendMessages, { messages: more, version }))
  if (messages.length > 0) await append(...messages)
  const read = async () => (await session.execute(ReadContext, {})).messages.map(textOf)
  return { bus, session, append, read }
}

/** Holds the next result of a command back until it is let go. */
function holdNext(bus: MessageBus, type: string): () => void {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  let isFirst = true
  bus.use(async function hold(message, next) {
    const outcome = await next()
    if (message.type === type && isFirst) {
      isFirst = false
      await held
    }
    return outcome
  })
  return release
}

describe('A result of OpenSession that comes late', () => {
  test('does not hide what was appended after it was read', async () => {
    const { bus, session, read } = await following([user('a')])
    const release = holdNext(bus, OpenSession.type)
    const opening = bus.execute(OpenSession, { id: 's' })
    await session.execute(AppendMessages, { messages: [user('b')], version: 1 })
    release()
    await opening
    expect(await read()).toEqual(['a', 'b'])
  })

  test('does not bring back what was cleared after it was read', async () => {
    const { bus, session, read } = await following([user('a')])
    const release = holdNext(bus, OpenSession.type)
    const opening = bus.execute(OpenSession, { id: 's' })
    await session.execute(UpdateSession, { messages: [] })
    release()
    await opening
    expect(await read()).toEqual([])
  })

  test('does not bring back a session that was deleted after it was read', async () => {
    const { bus, read } = await following([user('a')])
    const release = holdNext(bus, OpenSession.type)
    const opening = bus.execute(OpenSession, { id: 's' })
    await bus.execute(DeleteSession, { id: 's' })
    release()
    await opening
    expect(await read()).toEqual([])
  })

  test('with a message whose own append is not told yet counts it once', async () => {
    const { bus, session, read } = await following([user('a')])
    const release = holdNext(bus, AppendMessages.type)
    const appending = session.execute(AppendMessages, { messages: [user('b')], version: 1 })
    await bus.execute(OpenSession, { id: 's' })
    release()
    await appending
    expect(await read()).toEqual(['a', 'b'])
  })
})

test('An edit that succeeded does not fail for a history that was told wrongly, which is read again', async () => {
  const bus = new MessageBus()
  bus.attach(memorySessions())
  await bus.execute(OpenSession, { id: 's' })
  const session = bus.session('s')
  await session.execute(AppendMessages, { messages: [user('a'), user('b')], version: 1 })
  bus.attach(contextManager())
  let losing = true
  bus.use(
    async function lose(_message, next) {
      const opened = Session.parse(await next())
      return losing ? { ...opened, messages: opened.messages.slice(0, 1) } : opened
    },
    { for: [OpenSession] },
  )
  const read = async () => (await session.execute(ReadContext, {})).messages.map(textOf)
  expect(await read()).toEqual(['a'])
  losing = false
  const edits: HistoryEdit[] = [{ op: 'mark', ids: ['b'], meta: { pinned: true } }]
  expect(await session.execute(EditMessages, { edits })).toEqual({ version: 2 })
  expect(await read()).toEqual(['a', 'b'])
})

test('A message that somebody writes while tools run goes behind their results, which are sent', async () => {
  const { read, append } = await following([user('q'), call('c', '1', '2'), result('one', '1')])
  await append(user('note'))
  expect((await read())[3]).toContain('Outcome unknown')
  await append(result('two', '2'))
  expect(await read()).toEqual(['q', '', 'one', 'two', 'note'])
  await append(user('more'))
  expect(await read()).toEqual(['q', '', 'one', 'two', 'note', 'more'])
})

test('What is followed is what would be read anew, after any appends, marks and other edits', async () => {
  const nth = fc.nat(30)
  const meta = fc.constantFrom({ archived: true }, { archived: null }, { purged: true }, { pinned: true })
  const step = fc.oneof(
    fc.constant({ op: 'user' as const }),
    fc.record({ op: fc.constant('call' as const), ids: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')) }),
    fc.record({ op: fc.constant('result' as const), of: fc.constantFrom('x', 'y', 'z') }),
    fc.record({ op: fc.constant('mark' as const), nth, meta }),
    fc.record({ op: fc.constant('delete' as const), nth }),
    fc.constant({ op: 'read' as const }),
  )
  const options = { maxTokens: 60, countTokens: () => 1 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const bus = new MessageBus()
      bus.attach(memorySessions())
      bus.attach(contextManager(options))
      let { version } = await bus.execute(OpenSession, { id: 's' })
      const session = bus.session('s')
      const ids: string[] = []
      for (const [place, one] of steps.entries()) {
        const id = `m${place}`
        if (one.op === 'user' || one.op === 'call' || one.op === 'result') {
          const message =
            one.op === 'user' ? user(id) : one.op === 'call' ? call(id, ...one.ids) : result(id, one.of)
          await session.execute(AppendMessages, { messages: [message], version })
          ids.push(id)
        } else if (one.op === 'read') await session.execute(ReadContext, {})
        else {
          const target = ids[one.nth % Math.max(1, ids.length)]
          if (target === undefined) continue
          const edit: HistoryEdit =
            one.op === 'mark'
              ? { op: 'mark', ids: [target], meta: one.meta }
              : { op: 'delete', ids: [target] }
          ;({ version } = await session.execute(EditMessages, { edits: [edit] }))
          if (one.op === 'delete') ids.splice(ids.indexOf(target), 1)
        }
      }
      const followed = await session.execute(ReadContext, {})
      const { messages } = await bus.execute(OpenSession, { id: 's' })

      const fresh = new MessageBus()
      fresh.attach(memorySessions())
      fresh.attach(contextManager(options))
      await fresh.execute(OpenSession, { id: 's' })
      await fresh.session('s').execute(AppendMessages, { messages, version: 1 })
      expect(followed).toEqual(await fresh.session('s').execute(ReadContext, {}))
    }),
    { numRuns: 300 },
  )
})
