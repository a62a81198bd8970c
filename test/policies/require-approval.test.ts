import {
  ApprovalDecided,
  approvals,
  DecideApproval,
  defineCommand,
  ListApprovals,
  RequestApproval,
  requireApproval,
  timeout,
  type RequireApprovalOptions,
} from 'busline'
import { story } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { deferred, idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { outcomeOf, Work, Worked } from './fixtures/work.ts'

/** A bus on which Work needs an approval that the test's own handler decides; it says what was asked. */
function asking(decide: () => unknown, options?: RequireApprovalOptions) {
  const { bus, clock, journal } = clockedBus()
  const asked: unknown[] = []
  let calls = 0
  bus.use(requireApproval(options), { for: [Work] })
  bus.handle(Work, ({ n }) => {
    calls++
    return n
  })
  bus.handle(RequestApproval, async (request) => {
    asked.push(request)
    return RequestApproval.output.parse(await decide())
  })
  return { bus, clock, journal, asked, calls: () => calls }
}

describe('requireApproval', () => {
  test('runs a command that is approved, and asks with what it is about', async () => {
    const { bus, asked } = asking(() => ({ approved: true }), {
      expires: 500,
      describe: ({ data }) => `work ${JSON.stringify(data)}`,
    })

    expect(await bus.execute(Work, { n: 7 })).toBe(7)
    expect(asked).toEqual([
      { command: { id: 'run-1', type: 'things.work' }, data: { n: 7 }, reason: 'work {"n":7}', expires: 500 },
    ])
  })

  test('fails one that is not with APPROVAL_DENIED, and its handler does not run', async () => {
    const { bus, calls, journal } = asking(() => ({ approved: false, by: 'Ada', reason: 'too much' }))

    expect(await rejection(bus.execute(Work, { n: 7 }))).toMatchObject({
      code: 'APPROVAL_DENIED',
      message: 'things.work (run-1) was not approved by Ada: too much',
      data: { by: 'Ada', reason: 'too much' },
    })
    expect(calls()).toBe(0)
    expect(recordsOf(journal, 'result', 'things.work')).toMatchObject([{ status: 'error' }])
  })

  test('says so when nobody decides about approvals', async () => {
    const { bus } = clockedBus()
    bus.use(requireApproval())
    bus.handle(Work, () => 1)

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'NO_HANDLER',
      data: { type: 'approval.request' },
    })
  })

  test('hands on the input as the journal has it: without secrets, and in its form of its own', async () => {
    const { bus, journal } = clockedBus()
    const LogIn = defineCommand('people.logIn', {
      input: z.object({ name: z.string(), pin: z.string().meta({ secret: true }), password: z.string() }),
      output: z.string(),
    })
    const Send = defineCommand('things.send', {
      input: z.object({ text: z.string() }),
      output: z.string(),
      record: ({ text }, redact) => ({ length: text.length, begin: redact(text).slice(0, 12) }),
    })
    const asked: unknown[] = []
    bus.secret('correct horse')
    bus.use(requireApproval(), { for: [LogIn, Send] })
    bus.handle(LogIn, ({ pin }) => pin)
    bus.handle(Send, ({ text }) => text)
    bus.handle(RequestApproval, ({ data }) => {
      asked.push(data)
      return { approved: true }
    })

    expect(await bus.execute(LogIn, { name: 'correct horse', pin: '1234', password: 'hunter2' })).toBe('1234')
    await bus.execute(Send, { text: 'correct horse battery' })
    expect(asked).toEqual([
      { name: '[secret]', pin: '[secret]', password: '[secret]' },
      { length: 21, begin: '[secret] bat' },
    ])
    expect(JSON.stringify(recordsOf(journal, 'command', 'approval.request'))).not.toMatch(
      /1234|hunter2|correct/,
    )
  })

  test('for all messages neither asks about approvals nor about events', async () => {
    const { bus } = clockedBus()
    const heard: number[] = []
    bus.use(requireApproval())
    bus.attach(approvals())
    bus.handle(Work, ({ n }) => n)
    bus.on(Worked, ({ n }) => void heard.push(n))
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await bus.publish(Worked, { n: 1 }).settled
    const [waiting] = await bus.execute(ListApprovals, {})
    await bus.execute(DecideApproval, { approval: waiting?.approval ?? '', approved: true })
    await idle()

    expect([outcome.now, heard]).toEqual([7, [1]])
  })

  test('does not run a command that was cancelled before whoever decides took notice', async () => {
    const decided = deferred<unknown>()
    const { bus, calls } = asking(() => decided.promise)
    const cancel = new AbortController()
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    await idle()
    cancel.abort()
    await idle()
    decided.resolve({ approved: true })
    await idle()

    expect([outcome.now, calls()]).toEqual(['CANCELLED', 0])
  })

  test('around a timeout does not count the time that people take', async () => {
    const decided = deferred<unknown>()
    const { bus, clock } = asking(() => decided.promise)
    bus.use(timeout(50), { for: [Work] })
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(10_000)
    decided.resolve({ approved: true })
    await clock.advance(0)

    expect(outcome.now).toBe(7)
  })

  test('has the decision in the journal before the handler runs', async () => {
    const { bus, journal } = clockedBus()
    bus.use(requireApproval(), { for: [Work] })
    bus.attach(approvals())
    let before: string[] = []
    bus.handle(Work, ({ n }) => {
      before = story(journal)
      return n
    })
    void bus.execute(Work, { n: 1 })
    await idle()
    await bus.execute(DecideApproval, { approval: 'run-1.1', approved: true })
    await idle()

    expect(before).toContain('command approval.decide')
    expect(before).toContain(`event ${ApprovalDecided.type}`)
    expect(before).toContain('result approval.request')
  })

  test.each([0, -1, NaN, Infinity])('refuses to expire after %d ms', (expires) => {
    expect(thrownBy(() => requireApproval({ expires }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'expires' },
    })
  })
})
