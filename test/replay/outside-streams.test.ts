import { defineCommand, defineEvent, type Bus } from 'busline'
import { replay } from 'busline/journal'
import { testBus } from 'busline/testing'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { anyOrder, first, recordsOf, seeds } from './fixtures.ts'

const Heard = defineEvent('voice.heard', { data: z.object({ text: z.string() }), stream: true })
const Understood = defineEvent('voice.understood', { data: z.object({ text: z.string() }) })
const Note = defineCommand('voice.note', { input: z.object({ text: z.string() }), output: z.number() })

function listener(bus: Bus): void {
  const words = new Map<string | undefined, number>()
  bus.on(Heard, ({ text }, scope) => {
    const count = (words.get(scope.session) ?? 0) + 1
    words.set(scope.session, count)
    if (count % 3 === 0) scope.publish(Understood, { text })
  })
  bus.handle(Note, (_, scope) => words.get(scope.session) ?? 0)
}

it.each([
  [2, 0],
  [8, 30],
  [20, 45],
  [9, 120],
])('publishes %d deltas from outside again, %d ms apart, before what followed on them', async (count, ms) => {
  const { bus, clock, journal } = testBus()
  bus.attach(listener)
  const sleep = (after: number): Promise<void> => new Promise((resolve) => void clock.after(after, resolve))
  const speak = async (sender: Pick<Bus, 'publish' | 'execute'>, text: string): Promise<void> => {
    for (let n = 0; n < count; n++) {
      sender.publish(Heard, { text: `${text}${n}` })
      await sleep(ms)
    }
    await sender.execute(Note, { text })
  }
  await clock.until(Promise.all([speak(bus, 'a'), speak(bus.session('s1'), 'b')]))
  await clock.until(bus.stop())

  const records = recordsOf(journal.lines.join('\n'))
  const report = await replay(records, listener, { ...seeds(), patience: 50 })
  expect(first(report)).toBeUndefined()
  expect(anyOrder(report.records)).toEqual(anyOrder(records))
})
