import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import type { SessionScope } from '../../src/bus/bus.ts'
import { defineCommand } from '../../src/messages/define-command.ts'
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
import { testBus } from '../../src/testing/test-bus.ts'
import type { StoreUnderTest } from './store-contract.ts'

const TTL = 60_000
const Work = defineCommand('test.work', { input: z.object({}), output: z.object({}) })
const message = { id: 'm', role: 'user', content: 'x' } as const

export function expiryContract(create: StoreUnderTest['create']): void {
  function withTtl(ttl = TTL) {
    const store = create({ ttl })
    const { bus, clock, journal } = testBus()
    bus.attach(store())
    onTestFinished(async () => void (await bus.stop()))
    const ids = async (): Promise<string[]> => (await bus.execute(ListSessions, {})).map(({ id }) => id)
    return { bus, clock, journal, ids, store }
  }

  test.each(['open', 'closed'])('a session that is %s and nobody touched for ttl is gone, one before it is not', async (how) => {
    const { bus, clock, ids } = withTtl()
    await bus.execute(OpenSession, { id: 'a', name: 'old' })
    if (how === 'closed') await bus.session('a').execute(CloseSession, {})

    await clock.advance(TTL - 1)
    expect(await ids()).toEqual(['a'])
    await clock.advance(1)

    expect(await ids()).toEqual([])
    await expect(bus.execute(OpenSession, { id: 'a', create: false })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ name: null, version: 1, messages: [] })
  })

  const touches: [string, (session: SessionScope) => Promise<unknown>][] = [
    ['opening', (session) => session.execute(OpenSession, {})],
    ['appending', (session) => session.execute(AppendMessages, { messages: [], version: 1 })],
    ['committing', (session) => session.execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })],
    ['updating', (session) => session.execute(UpdateSession, { name: 'n' })],
    ['editing', (session) => session.execute(EditMessages, { edits: [{ op: 'delete', ids: ['m'] }] })],
  ]
  test.each(touches)('%s slides it', async (_what, touch) => {
    const { bus, clock, ids } = withTtl()
    await bus.execute(OpenSession, { id: 'a' })
    const session = bus.session('a')
    await session.execute(AppendMessages, { messages: [message], version: 1 })
    await clock.advance(TTL - 1)

    await touch(session)

    await clock.advance(TTL - 1)
    expect(await ids()).toEqual(['a'])
    await clock.advance(1)
    expect(await ids()).toEqual([])
  })

  test('opening slides a session that is closed again without a change, over a restart', async () => {
    const { bus, clock, ids } = withTtl()
    await bus.execute(OpenSession, { id: 'a', name: 'kept' })
    await bus.session('a').execute(CloseSession, {})
    await clock.advance(TTL - 1)
    const { version } = await bus.execute(OpenSession, { id: 'a' })
    await bus.session('a').execute(CloseSession, {})

    await clock.advance(TTL - 1)

    expect(version).toBe(1)
    expect(await ids()).toEqual(['a'])
    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ name: 'kept' })
  })

  test('listing and finding do not', async () => {
    const { bus, clock, ids } = withTtl()
    await bus.execute(OpenSession, { id: 'a' })
    await clock.advance(TTL - 1)
    await bus.session('a').execute(FindMessages, {})
    await ids()

    await clock.advance(1)

    expect(await ids()).toEqual([])
  })

  test('a session does not expire while a command of its own runs, and does after that', async () => {
    const { bus, clock, ids } = withTtl()
    let finish = (): void => undefined
    bus.handle(Work, () => new Promise((resolve) => (finish = () => resolve({}))))
    await bus.execute(OpenSession, { id: 'a' })
    const session = bus.session('a')
    const working = session.execute(Work, {})

    await clock.advance(3 * TTL)
    expect(await ids()).toEqual(['a'])
    expect(await session.execute(AppendMessages, { messages: [message], version: 1 })).toEqual({ version: 1 })
    await clock.advance(3 * TTL)
    expect(await session.execute(OpenSession, {})).toMatchObject({ messages: [message] })
    finish()
    await working

    await clock.advance(TTL)
    expect(await ids()).toEqual([])
  })

  test('the sweep tells of an open session that ends, and removes all that nobody asks for', async () => {
    const { bus, clock, journal } = withTtl()
    await bus.execute(OpenSession, { id: '1' })
    await bus.execute(OpenSession, { id: '10' })
    await clock.advance(TTL / 2)
    await bus.session('10').execute(UpdateSession, { name: 'n' })

    await clock.advance(TTL / 2)

    const deleted = journal.records.filter(({ kind, type }) => kind === 'command' && type === 'session.delete')
    expect(deleted).toMatchObject([{ data: { id: '1' } }])
    await expect(bus.session('1').execute(UpdateSession, {})).rejects.toMatchObject({ code: 'SESSION_NOT_OPEN' })
    expect(await bus.session('10').execute(UpdateSession, {})).toEqual({ version: 3 })
  })

  test('what another store holds open does not expire here', async () => {
    const { bus, clock, store } = withTtl()
    const other = testBus()
    other.bus.attach(store())
    onTestFinished(async () => void (await other.bus.stop()))
    await other.bus.execute(OpenSession, { id: 'a' })

    await clock.advance(5 * TTL)

    await expect(bus.execute(OpenSession, { id: 'a' })).rejects.toMatchObject({ code: 'SESSION_IN_USE' })
    expect(await other.bus.session('a').execute(UpdateSession, {})).toEqual({ version: 2 })
  })

  test('leaving the bus takes the sweep along', async () => {
    const { bus, clock } = withTtl()
    await bus.execute(OpenSession, { id: 'a' })

    await bus.stop()

    expect(clock.pending).toBe(0)
  })

  test('where nothing is kept that can expire, no timer is set, and one is for a session that comes', async () => {
    const { bus, clock, ids } = withTtl()
    expect(clock.pending).toBe(0)

    await bus.execute(OpenSession, { id: 'a' })
    expect(clock.pending).toBe(1)
    await clock.runAll()
    expect(await ids()).toEqual([])
    expect(clock.pending).toBe(0)

    await bus.execute(OpenSession, { id: 'b' })
    await clock.advance(TTL)
    await expect(bus.session('b').execute(UpdateSession, {})).rejects.toMatchObject({ code: 'SESSION_NOT_OPEN' })
  })

  test('what was kept before the store came is looked after from the start', async () => {
    const { bus, store } = withTtl()
    await bus.execute(OpenSession, { id: 'a' })
    await bus.stop()

    const next = testBus()
    next.bus.attach(store())
    onTestFinished(async () => void (await next.bus.stop()))

    expect(next.clock.pending).toBe(1)
    await next.clock.runAll()
    expect(next.clock.pending).toBe(0)
    await expect(next.bus.execute(DeleteSession, { id: 'a' })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })

  test.each([0, -1, Number.NaN, '60000', null])('a ttl of %j is refused', (ttl) => {
    const options: object = { ttl }
    expect(() => create(options)()).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: 'ttl' } }),
    )
  })
}
