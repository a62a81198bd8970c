import {
  approvals,
  CallTool,
  DecideApproval,
  defineTool,
  ListApprovals,
  memorySessions,
  OpenSession,
  RequestApproval,
  toolManager,
  UpdateSession,
  type Bus,
  type Decision,
  type Participant,
  type SessionScope,
  type Tool,
  type ToolManagerOptions,
} from 'busline'
import { settle, testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

/** A tool that has to be approved; `sent` is what it really did. */
function mail() {
  const sent: string[] = []
  const tool = defineTool({
    name: 'send_mail',
    description: '',
    parameters: z.object({ to: z.string(), copies: z.int().default(1) }),
    approval: true,
    run: ({ to, copies }) => {
      sent.push(`${to} x ${copies}`)
      return 'sent'
    },
  })
  return { tool, sent }
}

function desk(
  tools: readonly Tool[],
  { sessions = memorySessions(), ...options }: ToolManagerOptions & { sessions?: Participant } = {},
) {
  const { bus, clock, journal } = testBus()
  bus.attach(sessions)
  bus.attach(toolManager(tools, options))
  return { bus, clock, journal, chat: bus.session('s1') }
}

/** Decides by a callback; returns what was asked. */
function deciding(bus: Bus, decide: (n: number) => Decision): unknown[] {
  const asked: unknown[] = []
  bus.handle(RequestApproval, ({ data }) => {
    asked.push(data)
    return decide(asked.length)
  })
  return asked
}

function call(
  from: Pick<SessionScope, 'execute'>,
  to = 'ada',
  given: { call?: string; again?: boolean; name?: string } = {},
): Promise<unknown> {
  return from.execute(CallTool, { call: 'c1', name: 'send_mail', arguments: { to }, ...given })
}

async function contextOf(chat: SessionScope): Promise<unknown> {
  return (await chat.execute(OpenSession, {})).context['busline.approvals']
}

describe('a call that has to be approved', () => {
  test('runs when it is, and whoever decides sees the call', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    const asked = deciding(bus, () => ({ approved: true }))
    expect(await call(bus)).toBe('sent')
    expect(asked).toEqual([{ call: 'c1', name: 'send_mail', arguments: { to: 'ada' } }])
    expect(sent).toEqual(['ada x 1'])
  })

  test('does not run when it is denied, and the model reads why', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    deciding(bus, () => ({ approved: false, by: 'Eve', reason: 'wrong address' }))
    await expect(call(bus)).rejects.toMatchObject({
      code: 'APPROVAL_DENIED',
      message:
        'send_mail was not approved by Eve and did not run: wrong address. Do not make the same call again unless the user asks for it.',
      data: { by: 'Eve', reason: 'wrong address' },
    })
    expect(sent).toEqual([])
  })

  test('runs with edited arguments, checked like the model’s', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    deciding(bus, () => ({ approved: true, arguments: { to: 'bob' } }))
    await call(bus)
    expect(sent).toEqual(['bob x 1'])
  })

  test('does not run with edited arguments that do not fit', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    deciding(bus, () => ({ approved: true, arguments: { to: 7 } }))
    await expect(call(bus)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message:
        'What was put in place of the arguments of send_mail does not fit its schema. to: expected string, 7 came',
    })
    expect(sent).toEqual([])
  })

  test('is not asked about when its arguments do not fit anyway', async () => {
    const { tool } = mail()
    const { bus } = desk([tool])
    const asked = deciding(bus, () => ({ approved: true }))
    await expect(
      bus.execute(CallTool, { call: 'c', name: 'send_mail', arguments: {} }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENTS' })
    expect(asked).toEqual([])
  })

  test('expires, in words for the model', async () => {
    const { tool, sent } = mail()
    const { bus, clock } = desk([tool], { approvalExpires: 1000 })
    bus.attach(approvals())
    await expect(clock.until(call(bus))).rejects.toMatchObject({
      code: 'APPROVAL_EXPIRED',
      message:
        'Nobody decided in time whether send_mail may run, so it did not. Tell the user that it needs an approval.',
    })
    expect(sent).toEqual([])
  })

  test('fails for the developer, not the model, where nobody takes decisions', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    await expect(call(bus)).rejects.toMatchObject({
      code: 'NO_HANDLER',
      message: expect.stringMatching(/send_mail runs only when it is approved.*Attach approvals\(\)/),
    })
    expect(sent).toEqual([])
  })

  test('does not run when it was cancelled while somebody decided', async () => {
    const { tool, sent } = mail()
    const { bus } = desk([tool])
    const cancel = new AbortController()
    bus.handle(RequestApproval, async () => {
      cancel.abort()
      await settle()
      return { approved: true }
    })
    await expect(
      bus.execute(
        CallTool,
        { call: 'c', name: 'send_mail', arguments: { to: 'x' } },
        { signal: cancel.signal },
      ),
    ).rejects.toMatchObject({ code: 'CANCELLED' })
    await settle()
    expect(sent).toEqual([])
  })
})

describe('which calls have to be approved', () => {
  const named = (name: string, options: object): Tool =>
    defineTool({
      name,
      description: '',
      parameters: z.object({ to: z.string() }),
      ...options,
      run: () => name,
    })

  test('is decided by a function of the arguments that fit', async () => {
    const tool = defineTool({
      name: 'pay',
      description: '',
      parameters: z.object({ amount: z.number().default(5) }),
      approval: ({ amount }) => Promise.resolve(amount > 10),
      run: ({ amount }) => amount,
    })
    const { bus } = desk([tool])
    const asked = deciding(bus, () => ({ approved: true }))
    await bus.execute(CallTool, { call: 'c', name: 'pay', arguments: {} })
    expect(asked).toHaveLength(0)
    await bus.execute(CallTool, { call: 'c', name: 'pay', arguments: { amount: 11 } })
    expect(asked).toHaveLength(1)
  })

  test('is none by default, those of unsafe tools with approve: unsafe, and what the tool itself says counts more', async () => {
    const tools = [
      named('read', { effect: 'read' }),
      named('unsafe', {}),
      named('trusted', { approval: false }),
      named('private', { effect: 'read', approval: true }),
    ]
    for (const [options, expected] of [
      [{}, ['private']],
      [{ approve: 'unsafe' }, ['unsafe', 'private']],
      [{ approve: ({ tool }: { tool: Tool }) => tool.name === 'read' }, ['read', 'private']],
    ] as const) {
      const { bus } = desk(tools, options)
      const asked = deciding(bus, () => ({ approved: true }))
      for (const { name } of tools) await call(bus, 'x', { name })
      expect(asked).toMatchObject(expected.map((name) => ({ name })))
    }
  })

  test('refuses a policy that there is not', () => {
    // @ts-expect-error: what JavaScript can hand in
    expect(() => toolManager([], { approve: 'always' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

describe('always for this session', () => {
  test('asks no more for that tool, in that session', async () => {
    const { tool, sent } = mail()
    const { bus, chat } = desk([tool])
    await chat.execute(OpenSession, {})
    const asked = deciding(bus, () => ({ approved: true, always: true }))
    await call(chat, 'a')
    await call(chat, 'b')
    expect(asked).toHaveLength(1)
    await bus.session('s2').execute(OpenSession, {})
    await call(bus.session('s2'), 'c')
    expect(asked).toHaveLength(2)
    expect(sent).toHaveLength(3)
  })

  test('survives a restart, in the session’s free context', async () => {
    const { tool } = mail()
    const sessions = memorySessions()
    const first = desk([tool], { sessions })
    await first.chat.execute(OpenSession, {})
    deciding(first.bus, () => ({ approved: true, always: true }))
    await call(first.chat)
    expect(await contextOf(first.chat)).toEqual({ always: ['send_mail'], waiting: [] })
    await first.bus.stop()

    const second = desk([tool], { sessions })
    const asked = deciding(second.bus, () => ({ approved: false }))
    expect(await call(second.chat)).toBe('sent')
    expect(asked).toEqual([])
  })

  test('counts for nothing with a denial, nor outside of sessions', async () => {
    const { tool } = mail()
    const { bus, chat } = desk([tool])
    const asked = deciding(bus, (n) => ({ approved: n > 1, always: true }))
    await expect(call(chat)).rejects.toMatchObject({ code: 'APPROVAL_DENIED' })
    await call(bus)
    await call(bus)
    expect(asked).toHaveLength(3)
  })

  test('holds without a store too, as long as the manager', async () => {
    const { tool } = mail()
    const { bus } = testBus()
    bus.attach(toolManager([tool]))
    const asked = deciding(bus, () => ({ approved: true, always: true }))
    await call(bus.session('s1'))
    await call(bus.session('s1'))
    expect(asked).toHaveLength(1)
  })
})

describe('a call that waits for a decision', () => {
  test('is named by its session while it waits, and no longer once it runs', async () => {
    let during: unknown
    const { bus, chat } = desk([
      defineTool({
        name: 'send_mail',
        description: '',
        parameters: z.object({ to: z.string() }),
        approval: true,
        run: async (_input, scope) => {
          const { context } = await scope.execute(OpenSession, {})
          during = context['busline.approvals']
        },
      }),
    ])
    await chat.execute(OpenSession, {})
    bus.attach(approvals())
    const running = call(chat)
    await settle()
    expect(await contextOf(chat)).toEqual({ always: [], waiting: ['c1'] })
    const [approval] = await bus.execute(ListApprovals, {})
    await bus.execute(DecideApproval, { approval: approval?.approval ?? '', approved: true })
    await running
    expect(during).toBeUndefined()
  })

  test.each([
    ['denied', { approved: false }],
    ['approved', { approved: true }],
  ])('is not named any more once it is %s', async (_name, decision) => {
    const { tool } = mail()
    const { bus, chat } = desk([tool])
    await chat.execute(OpenSession, {})
    deciding(bus, () => decision)
    await call(chat).catch(() => undefined)
    expect(await contextOf(chat)).toBeUndefined()
  })

  test.each(['expired', 'cancelled'])('is not named any more once it is %s', async (how) => {
    const { tool } = mail()
    const { bus, chat, clock } = desk([tool], { approvalExpires: 1000 })
    await chat.execute(OpenSession, {})
    bus.attach(approvals())
    const cancel = new AbortController()
    const waiting = chat
      .execute(CallTool, { call: 'c1', name: 'send_mail', arguments: { to: 'x' } }, { signal: cancel.signal })
      .catch(() => undefined)
    await settle()
    if (how === 'cancelled') cancel.abort()
    else await clock.advance(1000)
    await waiting
    await settle()
    expect(await contextOf(chat)).toBeUndefined()
  })

  test('never ran: made again after a restart it is asked about again and runs, though its tool is unsafe', async () => {
    const { tool, sent } = mail()
    const sessions = memorySessions()
    const killed = desk([tool], { sessions })
    const context = { 'busline.approvals': { always: [], waiting: ['c1'] } }
    await killed.chat.execute(OpenSession, {})
    await killed.chat.execute(UpdateSession, { patchContext: context })
    await killed.bus.stop()

    const { bus, chat } = desk([tool], { sessions })
    const asked = deciding(bus, () => ({ approved: true }))
    expect(await call(chat, 'ada', { again: true })).toBe('sent')
    expect(asked).toHaveLength(1)
    expect(sent).toEqual(['ada x 1'])
    await expect(call(chat, 'ada', { again: true })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    await expect(call(chat, 'ada', { call: 'c2', again: true })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
  })

  test('does not run when its session can not be told so', async () => {
    const { tool, sent } = mail()
    const { bus, chat } = desk([tool])
    await chat.execute(OpenSession, {})
    deciding(bus, () => ({ approved: true }))
    let changes = 0
    bus.use(
      function fullDisk(_message, next) {
        if (++changes > 1) throw new Error('disk full')
        return next()
      },
      { for: [UpdateSession] },
    )
    await expect(call(chat)).rejects.toThrow('disk full')
    expect(sent).toEqual([])
  })

  test('many at once are all named, and none is lost', async () => {
    const { tool, sent } = mail()
    const { bus, chat } = desk([tool])
    await chat.execute(OpenSession, {})
    bus.attach(approvals())
    const calls = ['a', 'b', 'c', 'd'].map((id) => call(chat, id, { call: id }))
    await settle()
    expect(await contextOf(chat)).toEqual({ always: [], waiting: ['a', 'b', 'c', 'd'] })
    for (const { approval } of await bus.execute(ListApprovals, {}))
      await bus.execute(DecideApproval, { approval, approved: true })
    await Promise.all(calls)
    expect(sent).toHaveLength(4)
    expect(await contextOf(chat)).toBeUndefined()
  })
})

test('approvals() hands edited arguments and always on to the call', async () => {
  const { tool, sent } = mail()
  const { bus, chat } = desk([tool])
  await chat.execute(OpenSession, {})
  bus.attach(approvals())
  const running = call(chat)
  await settle()
  const [waiting] = await bus.execute(ListApprovals, {})
  await bus.execute(DecideApproval, {
    approval: waiting?.approval ?? '',
    approved: true,
    arguments: { to: 'bob', copies: 2 },
    always: true,
  })
  expect(await running).toBe('sent')
  await call(chat, 'eve')
  expect(sent).toEqual(['bob x 2', 'eve x 1'])
})
