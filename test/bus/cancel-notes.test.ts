import { defineCommand, defineEvent, type JournalRecord, type MemoryJournal } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

const Wait = defineCommand('time.wait', { input: z.object({}), output: z.string() })
const Outer = defineCommand('time.outer', { input: z.object({}), output: z.string() })
const Said = defineEvent('time.said', { data: z.object({ text: z.string() }), stream: true })

function notesOf(journal: MemoryJournal): JournalRecord[] {
  return journal.records.filter(({ type }) => type === 'bus.cancelRequested')
}

test('a cancel from outside has a line, before the handler hears of it', async () => {
  const { bus, journal } = recordedBus()
  const caller = new AbortController()
  let known: number | undefined
  bus.handle(Wait, async (_, scope) => {
    scope.signal.addEventListener('abort', () => void (known = notesOf(journal).length))
    await rejection(scope.sleep(60_000))
    return 'all the same'
  })
  const waiting = bus.session('s1').execute(Wait, {}, { signal: caller.signal })
  caller.abort(new Error('the user left'))

  expect(await waiting).toBe('all the same')
  expect(known).toBe(1)
  expect(journal.lines[2]).toBe(
    '{"seq":2,"time":1000,"kind":"note","type":"bus.cancelRequested","session":"s1","cause":"run-1","root":"run-1",' +
      '"data":{"reason":{"code":"CANCELLED","name":"BuslineError","message":"The caller cancelled it.",' +
      '"cause":{"code":"HANDLER_FAILED","name":"Error","message":"the user left"}}}}',
  )
})

test('so has the end of the time that a caller outside gave', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Wait, () => new Promise(() => undefined))
  await rejection(bus.execute(Wait, {}, { timeout: 1 }))

  expect(journal.records.map(({ kind, type }) => `${kind} ${type}`)).toEqual([
    'header busline.journal',
    'command time.wait',
    'note bus.cancelRequested',
    'result time.wait',
  ])
  expect(notesOf(journal)).toMatchObject([
    { cause: 'run-1', data: { reason: { code: 'TIMED_OUT', data: { timeout: 1 } } } },
  ])
})

test('the signal of a session cancels each command that it reaches, with a line each', async () => {
  const { bus, journal } = recordedBus()
  const caller = new AbortController()
  const session = bus.session('s1', { signal: caller.signal })
  const gate = deferred<string>()
  bus.handle(Wait, () => gate.promise)
  bus.handle(Outer, (_, scope) => {
    void scope.execute(Wait, {}, { timeout: 60_000 })
    return 'it goes on'
  })
  await session.execute(Outer, {})
  const waiting = rejection(session.execute(Wait, {}))
  caller.abort()
  await waiting

  // The first has ended; what it began has not.
  expect(notesOf(journal).map(({ cause }) => cause)).toEqual(['run-1', 'run-2'])
})

test('what code of the bus cancels, or a stop does, has no such line, nor what comes too early or too late', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Wait, (_, scope) => scope.sleep(60_000).then(() => 'late'))
  bus.handle(Outer, async (_, scope) => {
    const own = new AbortController()
    const waiting = rejection(scope.execute(Wait, {}, { signal: own.signal }))
    own.abort()
    await waiting
    await rejection(scope.execute(Wait, {}, { timeout: 1 }))
    return 'went on'
  })
  const late = new AbortController()
  await bus.execute(Outer, {}, { signal: late.signal })
  late.abort()
  await rejection(bus.execute(Outer, {}, { signal: AbortSignal.abort() }))
  const stopped = rejection(bus.execute(Wait, {}, { signal: new AbortController().signal }))
  await bus.stop({ deadline: 0 })

  expect(await stopped).toMatchObject({ code: 'CANCELLED' })
  expect(notesOf(journal)).toEqual([])
})

test('what was streamed before a cancel stands before its line', async () => {
  const { bus, journal } = recordedBus()
  const caller = new AbortController()
  bus.handle(Wait, async (_, scope) => {
    scope.publish(Said, { text: 'Once' })
    await rejection(scope.sleep(60_000))
    scope.publish(Said, { text: ' upon' })
    return 'a time'
  })
  const waiting = bus.execute(Wait, {}, { signal: caller.signal })
  await idle()
  caller.abort()
  await waiting

  expect(journal.records.slice(2).map(({ type, data }) => [type, data])).toMatchObject([
    ['time.said', { deltas: [[0, 'Once']] }],
    ['bus.cancelRequested', {}],
    ['time.said', { deltas: [[0, ' upon']] }],
    ['time.wait', undefined],
  ])
})

test('the line of a cancel tells no part of a secret that is being streamed', async () => {
  const { bus, journal } = recordedBus()
  bus.secret('sk-1234567890')
  const caller = new AbortController()
  bus.handle(Wait, async (_, scope) => {
    scope.publish(Said, { text: 'the key is sk-12345' })
    await rejection(scope.sleep(60_000))
    scope.publish(Said, { text: '67890.' })
    return 'told'
  })
  const waiting = bus.execute(Wait, {}, { signal: caller.signal })
  caller.abort()
  await waiting

  expect(journal.lines.join('\n')).not.toMatch(/12345|67890/)
})
