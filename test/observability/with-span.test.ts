import { BuslineError, memoryJournal, MessageBus, spansOf, SpanEnded, withSpan, type Scope } from 'busline'
import { story } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

/** A bus on which greeting does this, with what it has recorded. */
function greetingWith(work: (scope: Scope, tick: (ms: number) => void) => Promise<string>) {
  const ticking = tickingBus()
  ticking.bus.handle(Greet, (_, scope) => work(scope, ticking.tick))
  return ticking
}

describe("a span of one's own", () => {
  test('is told before and after the work, with its duration', async () => {
    const { bus, journal } = greetingWith((scope, tick) =>
      withSpan(
        scope,
        'think',
        () => {
          tick(7)
          return 'hello'
        },
        { deep: true },
      ),
    )

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(story(journal)).toEqual([
      'command people.greet',
      'event span.started',
      'event span.ended',
      'result people.greet',
    ])
    expect(recordsOf(journal, 'event').map(({ data }) => data)).toEqual([
      { span: 'id2', name: 'think', attributes: { deep: true } },
      { span: 'id2', name: 'think', ms: 7, status: 'ok' },
    ])
  })

  test('may work asynchronously', async () => {
    const { bus, journal } = greetingWith((scope, tick) =>
      withSpan(scope, 'think', async () => {
        await idle()
        tick(9)
        return 'hello'
      }),
    )
    await bus.execute(Greet, { name: 'Ada' })

    expect(recordsOf(journal, 'event', SpanEnded.type)).toMatchObject([{ data: { ms: 9, status: 'ok' } }])
  })

  test('below another names it as its parent', async () => {
    const { bus, journal } = greetingWith((scope) =>
      withSpan(scope, 'outer', (outer) => withSpan(outer, 'inner', () => 'hello')),
    )
    await bus.execute(Greet, { name: 'Ada' })

    expect(await spansOf(journal.records)).toMatchObject([
      { name: 'people.greet', children: [{ name: 'outer', children: [{ name: 'inner', children: [] }] }] },
    ])
  })

  test('hands on the same command: what its work sends has the same cause', async () => {
    const { bus, journal } = greetingWith((scope) =>
      withSpan(scope, 'think', (inner) => {
        inner.publish(Greeted, { name: `${inner.message.id} ${String(inner.session)}` })
        return 'hello'
      }),
    )
    await bus.session('s1').execute(Greet, { name: 'Ada' })

    expect(recordsOf(journal, 'event', Greeted.type)).toMatchObject([
      { cause: 'id1-1', session: 's1', data: { name: 'id1-1 s1' } },
    ])
  })

  test.each<[string, unknown, string]>([
    ['an error', Object.assign(new Error('no'), { code: 'EBAD' }), 'error'],
    ['anything else that is thrown', 'no', 'error'],
    ['a cancellation', new BuslineError('CANCELLED', 'Enough.'), 'cancelled'],
    ['an aborted fetch', new DOMException('Aborted.', 'AbortError'), 'cancelled'],
  ])('ends with %s, which is thrown on as it is', async (_, thrown, status) => {
    const { bus, journal } = greetingWith((scope) =>
      withSpan(scope, 'think', () => {
        throw thrown
      }),
    )

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(thrown)
    expect(recordsOf(journal, 'event', SpanEnded.type)).toMatchObject([
      { data: { status, error: { message: thrown instanceof Error ? thrown.message : 'no' } } },
    ])
  })

  test('of work that outlives the bus still gives its result', async () => {
    const bus = new MessageBus({ journal: memoryJournal() })
    const thinking = deferred<string>()
    let spanned: Promise<string> | undefined
    bus.handle(Greet, (_, scope) => (spanned = withSpan(scope, 'think', () => thinking.promise)))
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
    await bus.stop({ deadline: 0 })
    await greeting
    thinking.resolve('late')

    expect(await spanned).toBe('late')
  })

  test('does not ask for the time to clean up that only a handler may want', async () => {
    const thinking = deferred<string>()
    const { bus } = greetingWith((scope) => withSpan(scope, 'think', () => thinking.promise))
    const controller = new AbortController()
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }, { signal: controller.signal }))
    await idle()
    controller.abort()

    expect(await greeting).toMatchObject({ code: 'CANCELLED' })
  })
})
