import {
  approvals,
  BuslineError,
  CallTool,
  DecideApproval,
  defineCommand,
  defineTool,
  DeleteSession,
  ListApprovals,
  memorySessions,
  OpenSession,
  RequestApproval,
  toolManager,
  UpdateSession,
  type SessionScope,
  type ToolOptions,
} from 'busline'
import { settle, testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const parameters = z.object({ n: z.number() })

function payment(options: Partial<ToolOptions<{ n: number }>> = {}) {
  const paid: number[] = []
  const run = ({ n }: { n: number }): number => paid.push(n)
  const tool = defineTool({ name: 'pay', description: '', approval: true, ...options, parameters, run })
  return { tool, paid }
}

function call(from: Pick<SessionScope, 'execute'>, id: string, given: object = {}): Promise<unknown> {
  return from.execute(CallTool, { call: id, name: 'pay', arguments: { n: 1 }, ...given })
}

/** The error of a call that fails. */
async function failure(calling: Promise<unknown>): Promise<{ code: string; data: object }> {
  const error = await calling.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof BuslineError)) throw new Error(`no error of ours: ${String(error)}`)
  return { code: error.code, data: error.data }
}

async function waitingOf(chat: SessionScope): Promise<unknown> {
  return (await chat.execute(OpenSession, {})).context['busline.approvals']
}

describe('a manager that is detached', () => {
  test('withdraws the calls that wait for an approval: they never run, and none counts as one that waits', async () => {
    const { tool, paid } = payment()
    const { bus } = testBus()
    bus.attach(memorySessions())
    bus.attach(approvals())
    const off = bus.attach(toolManager([tool]))
    const chat = bus.session('s1')
    await chat.execute(OpenSession, {})
    const ends = [failure(call(chat, 'A')), failure(call(chat, 'B'))]
    await settle()
    expect(await waitingOf(chat)).toMatchObject({ waiting: ['A', 'B'] })
    off()
    bus.attach(toolManager([tool]))
    for (const end of await Promise.all(ends))
      expect(end).toEqual({ code: 'CANCELLED', data: { ran: false } })
    expect(await bus.execute(ListApprovals, {})).toEqual([])
    expect(await waitingOf(chat)).toBeUndefined()
    expect(paid).toEqual([])
  })

  test('takes a call that was approved before off the list of the session that its follower reads', async () => {
    const { tool, paid } = payment()
    const { bus } = testBus()
    bus.attach(memorySessions())
    const decided: ((approved: boolean) => void)[] = []
    bus.handle(RequestApproval, async () => ({
      approved: await new Promise<boolean>((resolve) => decided.push(resolve)),
    }))
    const off = bus.attach(toolManager([tool]))
    const chat = bus.session('s1')
    await chat.execute(OpenSession, {})
    const calling = call(chat, 'A')
    await settle()
    decided[0]?.(true)
    off()
    bus.attach(toolManager([tool]))
    await calling.catch(() => undefined)
    expect(await waitingOf(chat)).toBeUndefined()
    const ran = paid.length
    const again = failure(call(chat, 'A', { again: true }))
    expect(await again).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(paid).toHaveLength(ran)
  })
})

test('a change of the session builds on what others wrote to it meanwhile', async () => {
  const { tool } = payment()
  const { bus } = testBus()
  bus.attach(memorySessions())
  const chat = bus.session('s1')
  await chat.execute(OpenSession, {})
  let meddled = 0
  bus.use(
    async (message, next) => {
      const set = UpdateSession.input.safeParse(message.data).data
      if (set?.version !== undefined && meddled++ < 3)
        await chat.execute(UpdateSession, { name: `n${meddled}` })
      return next()
    },
    { for: [UpdateSession] },
  )
  bus.attach(toolManager([tool]))
  bus.handle(RequestApproval, () => ({ approved: true, always: true }))
  expect(await call(chat, 'A')).toBe(1)
  expect(meddled).toBeGreaterThan(3)
  expect(await waitingOf(chat)).toEqual({ always: ['pay'], waiting: [] })
})

test('an id that a former call left behind as waiting does not make a later call of that id run twice', async () => {
  const { tool, paid } = payment({ approval: false })
  const { bus } = testBus()
  bus.attach(memorySessions())
  bus.attach(toolManager([tool]))
  const chat = bus.session('s1')
  await chat.execute(OpenSession, {})
  await chat.execute(UpdateSession, { context: { 'busline.approvals': { always: [], waiting: ['A'] } } })
  await call(chat, 'A')
  expect(await failure(call(chat, 'A', { again: true }))).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
  expect(paid).toHaveLength(1)
})

describe('the error of a call that never began says so', () => {
  const refusals: [string, string, Partial<ToolOptions<{ n: number }>>, object][] = [
    ['unknown', 'UNKNOWN_TOOL', {}, { name: 'play' }],
    ['with arguments that do not fit', 'INVALID_ARGUMENTS', {}, { arguments: { n: 'x' } }],
    ['down', 'TOOL_UNAVAILABLE', { health: () => false }, {}],
    ['denied', 'APPROVAL_DENIED', {}, {}],
  ]
  test.each(refusals)('%s', async (_, code, options, given) => {
    const { bus } = testBus()
    bus.attach(toolManager([payment(options).tool]))
    bus.handle(RequestApproval, () => ({ approved: false }))
    expect(await failure(call(bus, 'A', given))).toMatchObject({ code, data: { ran: false } })
  })

  test('expired', async () => {
    const { bus, clock } = testBus()
    bus.attach(approvals())
    bus.attach(toolManager([payment().tool], { approvalExpires: 10 }))
    expect(await clock.until(failure(call(bus, 'A')))).toMatchObject({
      code: 'APPROVAL_EXPIRED',
      data: { ran: false },
    })
  })

  test.each(['an approval', 'its turn'])('cancelled, from above, while it waits for %s', async (what) => {
    const { bus } = testBus()
    bus.attach(approvals())
    const blocking = defineTool({
      name: 'pay',
      description: '',
      approval: what === 'an approval',
      concurrency: 1,
      parameters,
      run: () => new Promise(() => undefined),
    })
    bus.attach(toolManager([blocking]))
    const Turn = defineCommand('test.turn', { input: z.object({}), output: z.unknown() })
    const ends: unknown[] = []
    bus.handle(Turn, async (_, scope) => {
      const calls = ['A', 'B'].map((id) => failure(call(scope, id)).then((end) => ends.push({ id, end })))
      await Promise.all(calls)
    })
    const cancel = new AbortController()
    const turn = bus.execute(Turn, {}, { signal: cancel.signal }).catch(() => undefined)
    await settle()
    cancel.abort()
    await turn
    await settle()
    const began = what === 'its turn' ? {} : { ran: false }
    expect(ends).toContainEqual({ id: 'B', end: { code: 'CANCELLED', data: { ran: false } } })
    expect(ends).toContainEqual({ id: 'A', end: { code: 'CANCELLED', data: began } })
  })

  test('and no other: not of one that ran, nor of one that may have', async () => {
    const { bus } = testBus()
    const failing = defineTool({
      name: 'pay',
      description: '',
      parameters,
      run: () => {
        throw new BuslineError('INVALID_REQUEST', 'no money')
      },
    })
    bus.attach(toolManager([failing]))
    expect(await failure(call(bus, 'A'))).toEqual({ code: 'INVALID_REQUEST', data: {} })
    const { data } = await failure(call(bus, 'A', { again: true }))
    expect(data).not.toHaveProperty('ran')
  })
})

describe('arguments that somebody edited who saw no secrets', () => {
  const login = defineTool({
    name: 'login',
    description: '',
    parameters: z.object({ user: z.string(), password: z.string(), more: z.array(z.string()).default([]) }),
    approval: true,
    run: (input) => input,
  })
  const given = { user: 'ann', password: 'hunter2-secret', more: ['Bearer tok-4711-xyz'] }

  async function edited(edit: (shown: z.output<typeof Shown>) => unknown): Promise<unknown> {
    const { bus } = testBus()
    bus.secret('tok-4711-xyz')
    bus.attach(toolManager([login]))
    bus.handle(RequestApproval, ({ data }) => ({
      approved: true,
      arguments: edit(z.object({ arguments: Shown }).parse(data).arguments),
    }))
    return bus.execute(CallTool, { call: 'c', name: 'login', arguments: given })
  }
  const Shown = z.object({ user: z.string(), password: z.string(), more: z.array(z.string()) })

  test('have what he left as it was shown', async () => {
    let shown: unknown
    const ran = await edited((args) => {
      shown = args
      return { ...args, user: 'bob' }
    })
    expect(shown).toEqual({ user: 'ann', password: '[secret]', more: ['Bearer [secret]'] })
    expect(ran).toEqual({ ...given, user: 'bob' })
  })

  test('have what he put in the place of a secret', async () => {
    expect(await edited((args) => ({ ...args, password: 'new' }))).toEqual({ ...given, password: 'new' })
  })

  test.each([{ user: '[secret]' }, { more: ['x [secret]'] }, { more: ['x', '[secret]'] }])(
    'are refused where the placeholder stands for nothing: %j',
    async (change) => {
      expect(await failure(edited((args) => ({ ...args, ...change })))).toMatchObject({
        code: 'INVALID_ARGUMENTS',
        data: { ran: false },
      })
    },
  )
})

test('what a deleted session had is not there for the next one of its id', async () => {
  const { bus } = testBus()
  bus.attach(memorySessions())
  const long = 'of the old user '.repeat(3000)
  bus.attach(
    toolManager([defineTool({ name: 'long', description: '', parameters: z.object({}), run: () => long })]),
  )
  const read = (): Promise<unknown> =>
    bus.session('s1').execute(CallTool, { call: 'c2', name: 'read_tool_result', arguments: { handle: 'c1' } })
  const first = bus.session('s1')
  await first.execute(OpenSession, {})
  await first.execute(CallTool, { call: 'c1', name: 'long', arguments: {} })
  expect(await read()).toMatchObject({ total: long.length })
  await bus.execute(DeleteSession, { id: 's1' })
  await bus.session('s1').execute(OpenSession, {})
  await expect(read()).rejects.toMatchObject({ code: 'INVALID_ARGUMENTS', data: { absent: 'unknown' } })
})

test('a decision is taken by the call that asked for it, whichever order they are decided in', async () => {
  const { tool, paid } = payment()
  const { bus } = testBus()
  bus.attach(memorySessions())
  bus.attach(approvals())
  bus.attach(toolManager([tool]))
  const chat = bus.session('s1')
  await chat.execute(OpenSession, {})
  const calls = [call(chat, 'A'), call(chat, 'B', { arguments: { n: 2 } })]
  await settle()
  for (const { approval } of (await bus.execute(ListApprovals, {})).toReversed())
    await bus.execute(DecideApproval, { approval, approved: true })
  await Promise.all(calls)
  expect(paid).toEqual([2, 1])
  expect(await waitingOf(chat)).toBeUndefined()
})
