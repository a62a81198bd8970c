import {
  approvals,
  DecideApproval,
  ListApprovals,
  requireApproval,
  type RequireApprovalOptions,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { idle, rejection } from '../bus/fixtures/promises.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { outcomeOf, Work } from './fixtures/work.ts'

/** A bus on which Work needs an approval; `heard` is what was told of approvals, in order. */
function gated(options?: RequireApprovalOptions) {
  const { bus, clock, journal } = clockedBus()
  const heard: [type: string, data: unknown][] = []
  bus.use(requireApproval(options), { for: [Work] })
  const detach = bus.attach(approvals())
  bus.handle(Work, ({ n }) => n)
  bus.on('approval.*', (data, { message }) => void heard.push([message.type, data]))
  return { bus, clock, journal, heard, detach }
}

const about = { approval: 'run-1.1', command: { id: 'run-1', type: 'things.work' } }

describe('an approval', () => {
  test('lets the command run when it is approved', async () => {
    const { bus, heard } = gated({ describe: () => 'costs money' })
    const outcome = outcomeOf(bus.session('s1').execute(Work, { n: 7 }))
    await idle()
    expect(outcome.now).toBe('pending')

    expect(await bus.execute(DecideApproval, { approval: 'run-1.1', approved: true, by: 'Ada' })).toEqual({})
    await idle()
    expect(outcome.now).toBe(7)
    expect(heard).toEqual([
      [
        'approval.requested',
        { ...about, data: { n: 7 }, reason: 'costs money', session: 's1', requested: 1000 },
      ],
      ['approval.decided', { ...about, approved: true, by: 'Ada' }],
    ])
  })

  test('keeps the command from running when it is denied', async () => {
    const { bus, heard } = gated()
    const failing = rejection(bus.execute(Work, { n: 7 }))
    await idle()
    await bus.execute(DecideApproval, { approval: 'run-1.1', approved: false, reason: 'no' })

    expect(await failing).toMatchObject({ code: 'APPROVAL_DENIED', data: { reason: 'no' } })
    await idle()
    expect(heard.at(-1)).toEqual(['approval.decided', { ...about, approved: false, reason: 'no' }])
  })

  test('expires at its time, and can not be decided any more', async () => {
    const { bus, clock, heard } = gated({ expires: 500 })
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(499)
    expect(await bus.execute(ListApprovals, {})).toMatchObject([{ requested: 1000, expires: 1500 }])
    expect(outcome.now).toBe('pending')

    await clock.advance(1)
    expect(outcome.now).toBe('APPROVAL_EXPIRED')
    expect(heard.at(-1)).toEqual(['approval.expired', about])
    expect(
      await rejection(bus.execute(DecideApproval, { approval: 'run-1.1', approved: true })),
    ).toMatchObject({
      code: 'APPROVAL_NOT_FOUND',
    })
  })

  test('never expires unless told so', async () => {
    const { bus, clock } = gated()
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(1e12)

    expect(outcome.now).toBe('pending')
  })

  test('leaves no timer behind once it is decided', async () => {
    const { bus, clock, heard } = gated({ expires: 500 })
    void bus.execute(Work, { n: 7 })
    await idle()
    await bus.execute(DecideApproval, { approval: 'run-1.1', approved: true })
    expect(clock.pending).toBe(0)

    await clock.advance(1000)
    expect(heard.map(([type]) => type)).toEqual(['approval.requested', 'approval.decided'])
  })

  test('goes with the command that is cancelled or runs out of time, and tells', async () => {
    const { bus, clock, heard } = gated({ expires: 5000 })
    const cancel = new AbortController()
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    const second = outcomeOf(bus.execute(Work, { n: 2 }, { timeout: 100 }))
    await clock.advance(10)
    cancel.abort()
    await clock.advance(100)

    expect([first.now, second.now]).toEqual(['CANCELLED', 'TIMED_OUT'])
    expect(await bus.execute(ListApprovals, {})).toEqual([])
    expect(heard.filter(([type]) => type === 'approval.withdrawn')).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('has a deaf handler given up at once when the time is over, like one that needs none', async () => {
    const { bus, clock } = clockedBus()
    bus.use(requireApproval(), { for: [Work] })
    bus.attach(approvals())
    bus.handle(Work, () => new Promise<number>(() => undefined))
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 100 }))
    await clock.advance(10)
    await bus.execute(DecideApproval, { approval: 'run-1.1', approved: true })
    await clock.advance(90)

    expect(outcome.now).toBe('TIMED_OUT')
  })

  test('is listed while it waits, the oldest first', async () => {
    const { bus } = gated()
    for (const n of [1, 2, 3]) void bus.session(`s${n}`).execute(Work, { n })
    await idle()
    await bus.execute(DecideApproval, { approval: 'run-2.1', approved: true })

    expect(await bus.execute(ListApprovals, {})).toMatchObject([
      { approval: 'run-1.1', session: 's1', data: { n: 1 } },
      { approval: 'run-3.1', session: 's3', data: { n: 3 } },
    ])
  })

  test('that was decided or never asked for is not found', async () => {
    const { bus } = gated()
    void bus.execute(Work, { n: 1 })
    await idle()
    const decide = { approval: 'run-1.1', approved: true }
    await bus.execute(DecideApproval, decide)

    for (const approval of ['run-1.1', 'run-9.1', ''])
      expect(await rejection(bus.execute(DecideApproval, { ...decide, approval }))).toMatchObject({
        code: 'APPROVAL_NOT_FOUND',
        data: { approval },
      })
  })

  test('is heard of in the session that asked, whoever decides', async () => {
    const { bus } = gated()
    const session = bus.session('s1')
    const heard: string[] = []
    session.on('approval.*', (_, { message }) => void heard.push(message.type))
    void session.execute(Work, { n: 1 })
    await idle()
    await bus.session('s2').execute(DecideApproval, { approval: 'run-1.1', approved: true })
    await idle()

    expect(heard).toEqual(['approval.requested', 'approval.decided'])
  })

  test('is withdrawn when nobody takes decisions any more', async () => {
    const { bus, heard, detach } = gated({ expires: 500 })
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }))
    await idle()
    detach()
    await idle()

    expect(outcome.now).toBe('CANCELLED')
    expect(heard.map(([type]) => type)).toEqual(['approval.requested', 'approval.withdrawn'])
  })

  test('does not keep a bus from stopping', async () => {
    const { bus, clock } = gated()
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }))
    const stopping = bus.stop({ deadline: 100 })
    await clock.advance(100)

    expect(await stopping).toMatchObject({ timedOut: true, abandoned: [] })
    expect(outcome.now).toBe('CANCELLED')
  })
})
