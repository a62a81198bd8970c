// Long: it is the whole contract of the session commands, one test a sentence.
import { describe, expect, test } from 'vitest'
import type { Participant } from '../../src/bus/bus.ts'
import { MessageBus } from '../../src/bus/message-bus.ts'
import type { Sender } from '../../src/bus/scope.ts'
import { ContinueTurn, RunTurn } from '../../src/messages/chat.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
  FindMessages,
  ListSessions,
  OpenSession,
  UpdateSession,
} from '../../src/messages/session.ts'
import type { SessionOptions } from '../../src/sessions/session-options.ts'
import { editContract } from './edit-contract.ts'
import { expiryContract } from './expiry-contract.ts'
import { queryContract } from './query-contract.ts'
import { busWith } from './session-bus.ts'

/** A store under test: each call makes an empty storage, of which the participants that come of it share one. */
export interface StoreUnderTest {
  name: string
  create: (options?: SessionOptions) => () => Participant
}

/** What every session store keeps; a new one joins in session-store.test.ts. */
export function storeContract({ name, create }: StoreUnderTest): void {
  describe(name, () => {
    describe('basics', () => basics(create))
    describe('editing', () => editContract(create))
    describe('finding', () => queryContract(create))
    describe('expiring', () => expiryContract(create))
  })
}


const ILLEGAL = ['../x', '/etc/passwd', 'a\0b', 'x'.repeat(300), 'é', 'A', '', '-a', '_a', 'a b', 'a.b', 'a\n']

const hello = { role: 'user', content: 'hello' } as const
const hi = { role: 'assistant', content: 'hi' } as const
const ended = {
  turn: 't',
  reply: 'hi',
  finishReason: 'stop',
  toolCalls: [],
  usage: null,
  messages: [],
  steps: 1,
  model: null,
}

function basics(create: StoreUnderTest['create']): void {
  describe('OpenSession', () => {
    test('creates a session with all its fields, those not given null', async () => {
      const bus = busWith(create()())

      const session = await bus.execute(OpenSession, { id: 'a', model: 'm' })

      expect(session).toEqual({
        v: 1,
        id: 'a',
        name: null,
        version: 1,
        model: 'm',
        systemPrompt: null,
        createdAt: session.updatedAt,
        updatedAt: session.createdAt,
        context: {},
        messages: [],
      })
    })

    test('takes the id of the scope when none is given', async () => {
      const bus = busWith(create()())

      expect(await bus.session('mine').execute(OpenSession, {})).toMatchObject({ id: 'mine' })
    })

    test("prefers the given id to the scope's", async () => {
      const bus = busWith(create()())

      expect(await bus.session('mine').execute(OpenSession, { id: 'other' })).toMatchObject({ id: 'other' })
    })

    test('makes a new id when neither is given', async () => {
      const bus = busWith(create()())

      // id0 became the prefix of the bus's message ids.
      expect(await bus.execute(OpenSession, {})).toMatchObject({ id: 'id1' })
    })

    test.each(ILLEGAL)('refuses %j as an id', async (id) => {
      const bus = busWith(create()())

      await expect(bus.execute(OpenSession, { id })).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
      await expect(bus.execute(DeleteSession, { id })).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
      expect(await bus.execute(ListSessions, {})).toEqual([])
    })

    test('takes ids of one and of 64 characters', async () => {
      const bus = busWith(create()())

      for (const id of ['0', 'a'.repeat(64)]) {
        expect(await bus.execute(OpenSession, { id })).toMatchObject({ id })
      }
    })

    test('says the rule, and shows at most 80 characters of an illegal id', async () => {
      const bus = busWith(create()())

      const failed: unknown = await bus.execute(OpenSession, { id: '\n'.repeat(300) }).catch((error: unknown) => error)

      expect(failed).toHaveProperty('message', expect.stringMatching(/^"(\\n){39}… can't name a session\./))
      expect(failed).toHaveProperty('message', expect.stringContaining('1 to 64 characters of a-z, 0-9'))
    })

    test('gives the live session when it is open already', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      await bus.session('a').execute(AppendMessages, { messages: [hello], version: 1 })

      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [hello] })
    })

    test('fills what is null with what is given, raises the version once, and keeps it', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a', name: 'first' })

      const filled = await bus.execute(OpenSession, {
        id: 'a',
        name: 'second',
        model: 'm',
        systemPrompt: 's',
      })
      await bus.stop()
      const later = await busWith(store()).execute(OpenSession, { id: 'a', model: 'other' })

      expect(filled).toMatchObject({ name: 'first', model: 'm', systemPrompt: 's', version: 2 })
      expect(later).toEqual(filled)
    })

    test('leaves a session without gaps as it is', async () => {
      const bus = busWith(create()())
      const given = { id: 'a', name: 'n', model: 'm', systemPrompt: 's' }
      const created = await bus.execute(OpenSession, given)

      expect(await bus.execute(OpenSession, { ...given, name: 'other' })).toEqual(created)
    })

    test('is refused when it must not be created and does not exist, and leaves nothing behind', async () => {
      const bus = busWith(create()())
      await expect(bus.execute(OpenSession, { id: 'a', create: false })).rejects.toMatchObject({
        code: 'SESSION_NOT_FOUND',
      })
      expect(await bus.execute(ListSessions, {})).toEqual([])

      await bus.execute(OpenSession, { id: 'a' })
      expect(await bus.execute(OpenSession, { id: 'a', create: false })).toMatchObject({ id: 'a' })
    })

    test('is refused with the pid of the holder while another store has it open', async () => {
      const store = create()
      await busWith(store()).execute(OpenSession, { id: 'a' })

      await expect(busWith(store()).execute(OpenSession, { id: 'a' })).rejects.toMatchObject({
        code: 'SESSION_IN_USE',
        data: { session: 'a', pid: process.pid },
        message: expect.stringContaining(String(process.pid)),
      })
    })
  })

  describe('AppendMessages', () => {
    test('adds messages at the end and does not raise the version', async () => {
      const bus = busWith(create()())
      const before = await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      expect(await session.execute(AppendMessages, { messages: [hello], version: 1 })).toEqual({ version: 1 })
      expect(await session.execute(AppendMessages, { messages: [hi], version: 1 })).toEqual({ version: 1 })

      const after = await session.execute(OpenSession, {})
      expect(after.messages).toMatchObject([hello, hi])
      expect(after.updatedAt).toBeGreaterThan(before.updatedAt)
    })

    test('gives messages the id of the command and their index, and the turn of the scope', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })

      await bus
        .session('a')
        .execute(AppendMessages, { messages: [hello, hi], version: 1 }, { turn: 'the turn' })

      const { messages } = await bus.execute(OpenSession, { id: 'a' })
      expect(messages).toEqual([
        { id: 'id0-2/0', turn: 'the turn', ...hello },
        { id: 'id0-2/1', turn: 'the turn', ...hi },
      ])
    })

    test('leaves ids, turns and unknown fields of messages alone', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const message = { id: 'mine', turn: 'old', ...hello, reasoning: { steps: [1, null, 'x'] } }

      await bus.session('a').execute(AppendMessages, { messages: [message], version: 1 }, { turn: 'new' })
      await bus.stop()

      expect(await busWith(store()).execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [message] })
    })

    test('is refused with both versions when its version is not the current one', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })

      const appending = bus.session('a').execute(AppendMessages, { messages: [hello], version: 7 })

      await expect(appending).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        data: { expected: 7, actual: 1 },
      })
      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [] })
    })

    test('does not reach a session that was handed out before', async () => {
      const bus = busWith(create()())
      const before = await bus.execute(OpenSession, { id: 'a' })

      await bus.session('a').execute(AppendMessages, { messages: [hello], version: 1 })

      expect(before.messages).toEqual([])
    })

    test('keeps 10 000 messages that came one by one, in order', { timeout: 60_000 }, async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      for (let count = 0; count < 10_000; count++)
        await session.execute(AppendMessages, { messages: [{ role: 'user', content: `${count}` }], version: 1 })
      await bus.stop()

      const { messages } = await busWith(store()).execute(OpenSession, { id: 'a' })
      expect(messages.map(({ content }) => Number(content))).toEqual([...messages.keys()])
      expect(messages).toHaveLength(10_000)
    })

    test('takes 200 000 messages at once', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })

      const messages = Array.from({ length: 200_000 }, () => hello)
      await bus.session('a').execute(AppendMessages, { messages, version: 1 })

      expect((await bus.execute(OpenSession, { id: 'a' })).messages).toHaveLength(200_000)
    })
  })

  describe('CommitTurn', () => {
    test('raises the version once', async () => {
      const bus = busWith(create()())
      const before = await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      const committed = await session.execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })

      expect(committed).toEqual({ version: 2 })
      const after = await session.execute(OpenSession, {})
      expect(after).toEqual({ ...before, version: 2, updatedAt: after.updatedAt })
      expect(after.updatedAt).toBeGreaterThan(before.updatedAt)
    })

    test('is refused when its version is not the current one', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })

      const committing = bus.session('a').execute(CommitTurn, { turn: 't', status: 'error', version: 0 })

      await expect(committing).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        data: { expected: 0, actual: 1 },
      })
      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ version: 1 })
    })
  })

  describe('the open turn', () => {
    const first = { ...hello, id: 't/0' }

    test('is the one that appended its first message and did not commit, also after a restart', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')
      expect(await session.execute(OpenSession, {})).not.toHaveProperty('openTurn')

      await session.execute(AppendMessages, { messages: [hi, first], version: 1 }, { turn: 't' })
      expect(await session.execute(OpenSession, {})).toMatchObject({ openTurn: 't' })
      await bus.stop()

      const next = busWith(store())
      expect(await next.execute(OpenSession, { id: 'a' })).toMatchObject({ openTurn: 't' })
      await next.session('a').execute(CommitTurn, { turn: 't', status: 'interrupted', version: 1 })
      expect(await next.execute(OpenSession, { id: 'a' })).not.toHaveProperty('openTurn')
    })

    test('is not opened again by what is appended in its scope after its commit, also after a restart', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')
      await session.execute(AppendMessages, { messages: [first], version: 1 }, { turn: 't' })
      await session.execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })

      await session.execute(AppendMessages, { messages: [hi, { ...hi, id: 't/1' }], version: 2 }, { turn: 't' })

      expect(await session.execute(OpenSession, {})).not.toHaveProperty('openTurn')
      await bus.stop()
      const next = busWith(store())
      const { messages, ...session2 } = await next.execute(OpenSession, { id: 'a' })
      expect(messages.map(({ turn }) => turn)).toEqual(['t', 't', 't'])
      expect(session2).not.toHaveProperty('openTurn')
      await next.session('a').execute(AppendMessages, { messages: [hi], version: 2 }, { turn: 't' })
      expect(await next.execute(OpenSession, { id: 'a' })).not.toHaveProperty('openTurn')
    })

    test('stays the open one when another turn appends what is not its first message', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')
      await session.execute(AppendMessages, { messages: [first], version: 1 }, { turn: 't' })

      await session.execute(AppendMessages, { messages: [{ ...hi, id: 't/1', turn: 't' }], version: 1 }, { turn: 'u' })
      await session.execute(CommitTurn, { turn: 'u', status: 'ok', version: 1 })

      expect(await session.execute(OpenSession, {})).toMatchObject({ openTurn: 't' })
    })

    test('ends with a history that is replaced', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      await bus.session('a').execute(AppendMessages, { messages: [first], version: 1 }, { turn: 't' })
      expect(await bus.execute(OpenSession, { id: 'a' })).toHaveProperty('openTurn')

      await bus.session('a').execute(UpdateSession, { messages: [] })

      expect(await bus.execute(OpenSession, { id: 'a' })).not.toHaveProperty('openTurn')
    })

    describe.each([RunTurn, ContinueTurn])('while $type runs', (command) => {
      /** A turn `t` in session `a` that begins and goes on until `finish` is called, which lets it commit or not. */
      async function runningTurn(store: Participant) {
        const bus = busWith(store)
        let finish = (_end: { commit: boolean }): void => undefined
        const finished = new Promise<{ commit: boolean }>((resolve) => (finish = resolve))
        const begun = new Promise<void>((resolve) => {
          bus.handle<typeof command.input, typeof command.output>(command, async (_input, scope) => {
            const { version } = await scope.execute(OpenSession, {})
            await scope.execute(AppendMessages, { messages: [first], version }, { turn: 't' })
            resolve()
            if ((await finished).commit) await scope.execute(CommitTurn, { turn: 't', status: 'ok', version })
            return ended
          })
        })
        await bus.execute(OpenSession, { id: 'other' })
        const input = { text: 'hello', turn: 't' }
        const running = bus.session('a').execute<typeof command.input, typeof command.output>(command, input)
        await begun
        return { bus, finish, running }
      }

      test('closing the session is refused, and names the turn', async () => {
        const { bus, finish, running } = await runningTurn(create()())

        await expect(bus.session('a').execute(CloseSession, {})).rejects.toMatchObject({
          code: 'SESSION_BUSY',
          data: { session: 'a', turn: 't' },
          message: expect.stringContaining("Wait for the turn's end"),
        })
        expect(await bus.session('other').execute(CloseSession, {})).toEqual({})

        finish({ commit: true })
        await running
        expect(await bus.session('a').execute(CloseSession, {})).toEqual({})
      })

      test('deleting it is not, and a turn that ended without a commit does not keep it from closing', async () => {
        const store = create()
        const deleted = await runningTurn(store())
        expect(await deleted.bus.execute(DeleteSession, { id: 'a' })).toEqual({})
        deleted.finish({ commit: false })
        await deleted.running
        await deleted.bus.stop()

        const { bus, finish, running } = await runningTurn(store())
        finish({ commit: false })
        await running
        expect(await bus.session('a').execute(CloseSession, {})).toEqual({})
        expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ openTurn: 't' })
      })

      test('leaving the bus lets go of the session', async () => {
        const store = create()
        const { bus, finish, running } = await runningTurn(store())
        running.catch(() => undefined)

        const stopping = bus.stop({ deadline: 0 })
        finish({ commit: false })
        await stopping

        const next = busWith(store())
        expect(await next.execute(OpenSession, { id: 'a' })).toMatchObject({ openTurn: 't' })
        expect(await next.session('a').execute(CloseSession, {})).toEqual({})
      })
    })
  })

  describe('compare and set', () => {
    test('of many changes at once from one version, the first wins and the others are told', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      const results = await Promise.allSettled(
        ['x', 'y', 'z'].flatMap((name) => [
          session.execute(UpdateSession, { name, version: 1 }),
          session.execute(CommitTurn, { turn: name, status: 'ok', version: 1 }),
        ]),
      )

      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const result of results.slice(1))
        expect(result).toMatchObject({ reason: { code: 'VERSION_CONFLICT', data: { expected: 1, actual: 2 } } })
      expect(await session.execute(OpenSession, {})).toMatchObject({ name: 'x', version: 2 })
    })

    test('appends and an update that race keep all that was acknowledged', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      const appends = Array.from({ length: 20 }, (_, index) =>
        session.execute(AppendMessages, { messages: [{ ...hello, id: `m${index}` }], version: 1 }).then(() => `m${index}`),
      )
      const update = session.execute(UpdateSession, { name: 'n', version: 1 })
      const late = session.execute(AppendMessages, { messages: [{ ...hello, id: 'late' }], version: 1 })
      await expect(late).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
      const kept = await Promise.all(appends)
      await update
      await bus.stop()

      const { messages } = await busWith(store()).execute(OpenSession, { id: 'a' })
      expect(messages.map(({ id }) => id)).toEqual(kept)
    })
  })

  describe('UpdateSession', () => {
    test('sets what is given, unsets what is null, leaves the rest, and raises the version once', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a', name: 'n', model: 'm', systemPrompt: 's' })
      const session = bus.session('a')

      const updated = await session.execute(UpdateSession, {
        name: 'new',
        model: null,
        context: { k: [1, { x: null }] },
      })

      expect(updated).toEqual({ version: 2 })
      expect(await session.execute(OpenSession, {})).toMatchObject({
        name: 'new',
        model: null,
        systemPrompt: 's',
        context: { k: [1, { x: null }] },
        version: 2,
      })
    })

    test('replaces the context, it does not merge', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      await session.execute(UpdateSession, { context: { a: 1 } })
      await session.execute(UpdateSession, { context: { b: 2 } })

      expect((await session.execute(OpenSession, {})).context).toEqual({ b: 2 })
    })

    test('patches the context: sets keys, removes those that are null, leaves the rest, nulls included', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')
      await session.execute(UpdateSession, { context: { a: 1, b: 2, none: null } })

      const patchContext = { b: null, c: [null], gone: null, toString: 'own' }
      expect(await session.execute(UpdateSession, { patchContext })).toEqual({ version: 3 })
      const expected = { a: 1, none: null, c: [null], toString: 'own' }
      expect((await session.execute(OpenSession, {})).context).toEqual(expected)
      await bus.stop()

      expect((await busWith(store()).execute(OpenSession, { id: 'a' })).context).toEqual(expected)
    })

    test('patches what it replaces in the same update', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })
      const session = bus.session('a')

      await session.execute(UpdateSession, { context: { a: 1, b: 2 }, patchContext: { b: null, c: 3 } })

      expect((await session.execute(OpenSession, {})).context).toEqual({ a: 1, c: 3 })
    })

    test('replaces the history, and appends go on after it', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a', systemPrompt: 's' })
      const session = bus.session('a')
      await session.execute(AppendMessages, { messages: [hello, hello, hello], version: 1 })

      await session.execute(UpdateSession, { messages: [hi], version: 1 })
      await session.execute(AppendMessages, { messages: [hello], version: 2 })
      await bus.stop()

      expect(await busWith(store()).execute(OpenSession, { id: 'a' })).toMatchObject({
        systemPrompt: 's',
        version: 2,
        messages: [hi, hello],
      })
    })

    test('is refused when a version is given that is not the current one', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a' })

      await expect(bus.session('a').execute(UpdateSession, { name: 'n', version: 2 })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        data: { expected: 2, actual: 1 },
      })
      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ name: null, version: 1 })
    })
  })

  describe('CloseSession', () => {
    test('lets another store open the session, as it was', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      await bus.session('a').execute(AppendMessages, { messages: [hello], version: 1 })
      const live = await bus.execute(OpenSession, { id: 'a' })

      await bus.session('a').execute(CloseSession, {})

      expect(await busWith(store()).execute(OpenSession, { id: 'a' })).toEqual(live)
    })

    test('leaves other open sessions open', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: '1' })
      await bus.execute(OpenSession, { id: '10' })

      await bus.session('1').execute(CloseSession, {})

      expect(await bus.session('10').execute(UpdateSession, { name: 'n' })).toEqual({ version: 2 })
    })
  })

  describe('without an open session', () => {
    const acts = [
      ['AppendMessages', (bus: Sender) => bus.execute(AppendMessages, { messages: [], version: 1 })],
      ['CommitTurn', (bus: Sender) => bus.execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })],
      ['UpdateSession', (bus: Sender) => bus.execute(UpdateSession, {})],
      ['EditMessages', (bus: Sender) => bus.execute(EditMessages, { edits: [{ op: 'delete', ids: ['x'] }] })],
      ['FindMessages', (bus: Sender) => bus.execute(FindMessages, {})],
      ['CloseSession', (bus: Sender) => bus.execute(CloseSession, {})],
    ] as const

    test.each(acts)('%s is refused, and told to open it first', async (_name, act) => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'closed' })
      await bus.session('closed').execute(CloseSession, {})

      for (const id of ['closed', 'never', '../x']) {
        await expect(act(bus.session(id))).rejects.toMatchObject({
          code: 'SESSION_NOT_OPEN',
          data: { session: id },
          message: expect.stringContaining('Open it first with OpenSession'),
        })
      }
    })

    test.each(acts)('%s outside of any session is refused, and told to use one', async (_name, act) => {
      const bus = busWith(create()())

      await expect(act(bus)).rejects.toMatchObject({
        code: 'SESSION_NOT_OPEN',
        message: expect.stringContaining('bus.session(id)'),
      })
    })
  })

  describe('ListSessions', () => {
    test('is empty at first', async () => {
      expect(await busWith(create()()).execute(ListSessions, {})).toEqual([])
    })

    test('tells open and closed sessions, last updated first, with the number of their turns', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a', name: 'A', model: 'm' })
      await bus.execute(OpenSession, { id: 'b' })
      const messages = [
        { ...hello, turn: 't1' },
        { ...hi, turn: 't1' },
        { ...hello, turn: 't2' },
      ]
      await bus.session('a').execute(AppendMessages, { messages: [...messages, hello], version: 1 })
      await bus.session('a').execute(CloseSession, {})

      const updatedAt = expect.any(Number)
      expect(await bus.execute(ListSessions, {})).toEqual([
        { id: 'a', name: 'A', model: 'm', turns: 2, updatedAt },
        { id: 'b', name: null, model: null, turns: 0, updatedAt },
      ])
      await bus.session('b').execute(UpdateSession, { name: 'B' })
      expect((await bus.execute(ListSessions, {})).map(({ id, name }) => [id, name])).toEqual([
        ['b', 'B'],
        ['a', 'A'],
      ])
    })

    test('orders sessions of one time by id', async () => {
      const bus = new MessageBus({ now: () => 5 })
      bus.attach(create()())
      for (const id of ['b', '10', 'a', '1']) await bus.execute(OpenSession, { id })

      expect((await bus.execute(ListSessions, {})).map(({ id }) => id)).toEqual(['1', '10', 'a', 'b'])
      await bus.stop()
    })

    test('tells what another store holds open, without touching its hold', async () => {
      const store = create()
      const holder = busWith(store())
      await holder.execute(OpenSession, { id: 'a' })
      await holder.session('a').execute(UpdateSession, { name: 'live' })

      expect(await busWith(store()).execute(ListSessions, {})).toMatchObject([{ id: 'a', name: 'live' }])
      expect(await holder.session('a').execute(UpdateSession, {})).toEqual({ version: 3 })
    })
  })

  describe('DeleteSession', () => {
    test('deletes exactly one session, open or closed', async () => {
      const bus = busWith(create()())
      for (const id of ['1', '10', '1_', '11']) await bus.execute(OpenSession, { id })
      await bus.session('11').execute(CloseSession, {})

      await bus.execute(DeleteSession, { id: '1' })
      await bus.execute(DeleteSession, { id: '11' })

      expect((await bus.execute(ListSessions, {})).map(({ id }) => id)).toEqual(['1_', '10'])
      await expect(bus.session('1').execute(UpdateSession, {})).rejects.toMatchObject({
        code: 'SESSION_NOT_OPEN',
      })
    })

    test('is refused when there is no such session', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: '10' })
      await bus.execute(OpenSession, { id: 'gone' })
      await bus.execute(DeleteSession, { id: 'gone' })

      for (const id of ['1', 'gone']) {
        await expect(bus.execute(DeleteSession, { id })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
      }
    })

    test('is refused while another store has the session open', async () => {
      const store = create()
      const holder = busWith(store())
      await holder.execute(OpenSession, { id: 'a' })

      await expect(busWith(store()).execute(DeleteSession, { id: 'a' })).rejects.toMatchObject({
        code: 'SESSION_IN_USE',
        data: { pid: process.pid },
      })
      expect(await holder.session('a').execute(UpdateSession, {})).toEqual({ version: 2 })
    })

    test('lets the name begin anew', async () => {
      const bus = busWith(create()())
      await bus.execute(OpenSession, { id: 'a', name: 'old' })
      await bus.session('a').execute(AppendMessages, { messages: [hello], version: 1 })
      await bus.execute(DeleteSession, { id: 'a' })

      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({
        name: null,
        version: 1,
        messages: [],
      })
    })
  })

  describe('two sessions of one user', () => {
    test('are independent: history, system prompt, context and version', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 's1_a', systemPrompt: 'A' })
      await bus.execute(OpenSession, { id: 's1_b', systemPrompt: 'B' })
      const before = await bus.execute(OpenSession, { id: 's1_b' })

      const a = bus.session('s1_a')
      await a.execute(AppendMessages, { messages: [{ ...hello, id: 'm' }], version: 1 })
      await a.execute(UpdateSession, { context: { k: 1 }, systemPrompt: 'AA' })
      await a.execute(EditMessages, { edits: [{ op: 'mark', ids: ['m'], meta: { archived: true } }] })

      expect(await bus.execute(OpenSession, { id: 's1_b' })).toEqual(before)
      await bus.execute(DeleteSession, { id: 's1_a' })
      expect(await bus.execute(OpenSession, { id: 's1_b' })).toEqual(before)
    })
  })

  describe('leaving the bus', () => {
    test('closes all open sessions', async () => {
      const store = create()
      const bus = busWith(store())
      await bus.execute(OpenSession, { id: 'a' })
      await bus.execute(OpenSession, { id: 'b' })
      await bus.session('b').execute(AppendMessages, { messages: [hello], version: 1 })
      await bus.stop()

      const next = busWith(store())
      expect(await next.execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [] })
      expect(await next.execute(OpenSession, { id: 'b' })).toMatchObject({ messages: [hello] })
    })

    test('makes room for another store on the same bus at once', async () => {
      const store = create()
      const bus = new MessageBus()
      const leave = bus.attach(store())
      await bus.execute(OpenSession, { id: 'a' })

      leave()
      bus.attach(store())

      expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ id: 'a' })
      await bus.stop()
    })
  })
}
