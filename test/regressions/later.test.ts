// What is due later, or waits for somebody's word. The rows are those of the mission.
import { approvals, DecideApproval, ListApprovals, memoryJournal, MessageBus, requireApproval } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greeted, Pay } from '../bus/fixtures/greeting.ts'
import { idle, rejection } from '../bus/fixtures/promises.ts'
import { outcomeOf } from '../policies/fixtures/work.ts'

describe('G10, LLMgine: scheduled events that did not survive a restart', () => {
  test('a scheduled event is published after a restart, once, at its time', async () => {
    const clock = virtualClock({ start: 1000 })
    const { now, after } = clock
    const journal = memoryJournal()
    const first = new MessageBus({ journal, now, after })
    await first.schedule(Greeted, { name: 'Ada' }, { after: 60_000 })
    await first.stop()

    const second = new MessageBus({ now, after })
    const heard: [number, string][] = []
    second.on(Greeted, ({ name }) => void heard.push([now(), name]))
    expect(await second.restore(journal.records)).toMatchObject({ scheduled: 1 })
    await clock.advance(59_999)
    expect(heard).toEqual([])

    await clock.advance(120_000)
    expect(heard).toEqual([[61_000, 'Ada']])
  })

  test('a repeated one comes every time, until it is cancelled', async () => {
    const clock = virtualClock({ start: 1000 })
    const bus = new MessageBus({ now: clock.now, after: clock.after })
    let heard = 0
    bus.on(Greeted, () => void heard++)
    const schedule = await bus.schedule(Greeted, { name: 'Ada' }, { every: 1000 })
    await clock.advance(3500)
    schedule.cancel()
    await clock.advance(10_000)

    expect(heard).toBe(3)
    expect(clock.pending).toBe(0)
  })

  test('a command that needs an approval runs when it is given, and never when it is denied', async () => {
    const bus = new MessageBus()
    let paid = 0
    bus.attach(approvals())
    bus.use(requireApproval(), { for: [Pay] })
    bus.handle(Pay, ({ amount }) => String((paid += amount)))
    const decide = async (approved: boolean): Promise<unknown> => {
      const [waiting] = await bus.execute(ListApprovals, {})
      return bus.execute(DecideApproval, { approval: waiting?.approval ?? '', approved })
    }
    const approved = outcomeOf(bus.execute(Pay, { amount: 1 }))
    await idle()
    expect(approved.now).toBe('pending')
    await decide(true)
    await idle()
    expect(approved.now).toBe('1')

    const denied = rejection(bus.execute(Pay, { amount: 10 }))
    await idle()
    await decide(false)
    expect(await denied).toMatchObject({ code: 'APPROVAL_DENIED' })
    expect(paid).toBe(1)
  })
})
