import { randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as later } from 'node:timers/promises'
import { defineCommand, defineEvent, memoryJournal, MessageBus, type Bus } from 'busline'
import { replay, type ReplayReport } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { recordsOf } from './fixtures.ts'

const Work = defineCommand('job.work', { input: z.object({}), output: z.object({}) })
const Worked = defineEvent('job.worked', { data: z.object({}) })

/** Replays a run of one command, whose handler or subscriber then does something that it had better not do. */
async function replaying(
  misuse: () => unknown,
  where: 'handler' | 'subscriber' = 'handler',
): Promise<ReplayReport> {
  const journal = memoryJournal()
  const app = (work: () => unknown) => (bus: Bus) => {
    bus.handle(Work, async (_input, scope) => {
      if (where === 'handler') await work()
      scope.publish(Worked, {})
      return {}
    })
    bus.on(Worked, async function afterwards() {
      if (where === 'subscriber') await work()
    })
  }
  const bus = new MessageBus({ journal })
  bus.attach(app(() => undefined))
  await bus.execute(Work, {})
  await bus.stop()
  return await replay(recordsOf(journal.lines.join('\n')), app(misuse))
}

describe('the guard of a replay', () => {
  it.each([
    ['Date.now', 'clock', () => Date.now()],
    ['new Date()', 'clock', () => new Date()],
    ['performance.now', 'clock', () => performance.now()],
    ['Math.random', 'randomness', () => Math.random()],
    ['crypto.randomUUID', 'randomness', () => randomUUID()],
    ['crypto.randomUUID', 'randomness', () => crypto.randomUUID()],
    ['crypto.randomBytes', 'randomness', () => randomBytes(4)],
    ['crypto.getRandomValues', 'randomness', () => crypto.getRandomValues(new Uint8Array(4))],
    ['process.hrtime.bigint', 'clock', () => process.hrtime.bigint()],
    ['timers/promises.setTimeout', 'timer', () => later(1)],
    ['AbortSignal.timeout', 'timer', () => void AbortSignal.timeout(1)],
    ['setTimeout', 'timer', () => clearTimeout(setTimeout(() => undefined, 1))],
  ])('finds %s in a handler that runs again', async (what, kind, misuse) => {
    const { findings, identical } = await replaying(misuse)
    expect(findings).toEqual([
      {
        what,
        kind,
        type: 'job.work',
        id: expect.any(String),
        at: expect.stringMatching(/world-guard\.test\.ts:\d+$/),
      },
    ])
    expect(identical).toBe(true)
  })

  it('finds it in a subscriber, and after an await', async () => {
    const afterAwait = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve))
      Math.random()
    }
    const { findings } = await replaying(afterAwait, 'subscriber')
    expect(findings).toMatchObject([{ what: 'Math.random', type: 'job.worked' }])
  })

  it.each([
    ['fetch', () => fetch('http://127.0.0.1:9/')],
    ['net.connect', () => connect(9, '127.0.0.1')],
    [
      'net.connect',
      () =>
        new Promise((resolve, reject) => {
          request('http://127.0.0.1:9/', resolve).on('error', reject).end()
        }),
    ],
  ])('refuses the network: %s', async (what, misuse) => {
    const report = await replaying(misuse)
    expect(report.findings).toMatchObject([{ what, kind: 'network', type: 'job.work' }])
    expect(report.identical).toBe(false)
    expect(JSON.stringify(report.divergences)).toContain('REPLAY_GUARD')
  })

  it('says nothing of a date that is given its time, nor of what the bus does', async () => {
    const { findings } = await replaying(() => new Date(0).toISOString())
    expect(findings).toEqual([])
  })

  it('leaves a date its class', async () => {
    const { identical } = await replaying(() => {
      const date = new Date(0)
      if (date.constructor !== Date || !(date instanceof Date)) throw new Error('It is no date.')
    })
    expect(identical).toBe(true)
    expect(new Date(0).constructor).toBe(Date)
  })

  it('leaves everything as it was', async () => {
    const before = [Date.now, Math.random, globalThis.setTimeout, globalThis.Date, globalThis.fetch]
    await replaying(() => Date.now())
    expect([Date.now, Math.random, globalThis.setTimeout, globalThis.Date, globalThis.fetch]).toEqual(before)
  })
})
