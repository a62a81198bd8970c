import { filter, MessageBus, NO_OUTPUT, type Middleware } from 'busline'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved, Pay } from './fixtures/greeting.ts'
import { idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

/** A layer that writes down when it is entered and left. */
function layer(story: string[], name: string): Middleware {
  return async (_, next) => {
    story.push(`${name} in`)
    const result = await next()
    story.push(`${name} out`)
    return result
  }
}

describe('middleware', () => {
  test('wraps a handler like an onion: the first registered is the outermost', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.use(layer(story, 'outer'))
    bus.use(layer(story, 'inner'))
    bus.handle(Greet, () => {
      story.push('handler')
      return 'hello'
    })

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(story).toEqual(['outer in', 'inner in', 'handler', 'inner out', 'outer out'])
  })

  test('wraps each delivery of an event', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.use(layer(story, 'layer'))
    bus.on(Greeted, () => void story.push('first'))
    bus.on(Greeted, () => void story.push('second'))
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(story.filter((step) => step === 'layer in')).toHaveLength(2)
    expect(story.filter((step) => !step.startsWith('layer'))).toEqual(['first', 'second'])
  })

  test('keeps the order of deliveries', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    let turns = 5
    bus.use(async (_, next) => {
      await idle(turns--)
      return next()
    })
    bus.on(Moved, ({ n }) => void heard.push(n))
    for (const n of [1, 2, 3]) bus.publish(Moved, { key: 'a', n })
    await bus.publish(Moved, { key: 'a', n: 4 }).settled

    expect(heard).toEqual([1, 2, 3, 4])
  })

  test('sees the envelope and the parsed data, and the scope of the message', async () => {
    const bus = new MessageBus({ newId: () => 'run' })
    const seen: unknown[] = []
    bus.use((message, next, scope) => {
      const { kind, type, id, session, data } = message
      seen.push({ kind, type, id, session, data, same: scope.message === message })
      return next()
    })
    bus.handle(Greet, () => '')
    const input = { name: 'Ada', unknown: 1 }
    await bus.session('s1').execute(Greet, input)

    expect(seen).toEqual([
      {
        kind: 'command',
        type: 'people.greet',
        id: 'run-1',
        session: 's1',
        data: { name: 'Ada' },
        same: true,
      },
    ])
  })

  test('with `for` applies to those types only: definitions, patterns, or types as text', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.use(layer(story, 'greet'), { for: [Greet] })
    bus.use(layer(story, 'money'), { for: ['money.*', 'things.carry'] })
    bus.handle(Greet, () => '')
    bus.handle(Pay, () => '')
    bus.handle(Carry, () => 1)
    await bus.execute(Greet, { name: 'Ada' })
    await bus.execute(Pay, { amount: 1 })
    await bus.execute(Carry, 1)

    expect(story.filter((step) => step.endsWith('in'))).toEqual(['greet in', 'money in', 'money in'])
  })

  test('that comes or goes between two messages counts from the next on', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.handle(Greet, () => '')
    await bus.execute(Greet, { name: 'Ada' })
    const off = bus.use(layer(story, 'layer'))
    await bus.execute(Greet, { name: 'Ada' })
    off()
    off()
    await bus.execute(Greet, { name: 'Ada' })

    expect(story).toEqual(['layer in', 'layer out'])
  })

  test('may change the result, which is then held to the schema', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, ({ name }) => name)
    const off = bus.use(async (_, next) => `${String(await next())}!`)
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Ada!')

    off()
    bus.use(async (_, next) => [await next()])
    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'INVALID_OUTPUT' })
  })

  test('may answer a command in the place of its handler', async () => {
    const { bus, journal } = recordedBus()
    let calls = 0
    bus.use(() => 'from the cache', { for: [Greet] })
    bus.handle(Greet, () => `${++calls}`)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('from the cache')
    expect(calls).toBe(0)
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'ok', output: 'from the cache' }])
  })

  test('that neither calls next nor answers filters a command: FILTERED, and its error result', async () => {
    const { bus, journal } = recordedBus()
    bus.use(() => undefined)
    bus.handle(Greet, () => '')

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'FILTERED' })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'error', error: { code: 'FILTERED' } }])
    expect(recordsOf(journal, 'note')).toEqual([])
  })

  test('that calls next when the command has ended gets an error that says so', async () => {
    const bus = new MessageBus()
    let late: Promise<unknown> | undefined
    bus.use((_, next) => {
      late = (async () => {
        await idle(1)
        return rejection(next())
      })()
      return 'from the cache'
    })
    bus.handle(Greet, () => 'too late')

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('from the cache')
    expect(await late).toMatchObject({ code: 'CANCELLED' })
  })

  test('that holds back is named: in the error, and in the note on a delivery', async () => {
    const { bus, journal } = recordedBus()
    bus.use((_, next) => next())
    bus.use(filter(() => false, 'onlyAdults'))
    bus.use((_, next) => next())
    bus.handle(Greet, () => '')
    bus.on(Greeted, () => undefined, { name: 'greeter' })

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({
      message: 'The middleware onlyAdults held people.greet back: it neither called next nor answered.',
      data: { middleware: 'onlyAdults' },
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    expect(recordsOf(journal, 'note', 'bus.filtered')).toMatchObject([
      { data: { subscriber: 'greeter', middleware: 'onlyAdults' } },
    ])
  })

  test('that answers with NO_OUTPUT answers with undefined', async () => {
    const { bus, journal } = recordedBus()
    bus.use(() => NO_OUTPUT)
    bus.handle(Carry, () => 'carried')

    expect(await bus.execute(Carry, 1)).toBeUndefined()
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'ok' }])
  })

  test('that does not call next filters a delivery: skipped, and noted', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    bus.use(async ({ data }, next) => (data === 'x' ? next() : undefined), { for: [Greeted] })
    bus.on(Greeted, ({ name }) => void heard.push(name), { name: 'listener' })

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toEqual({
      delivered: 0,
      failed: 0,
      skipped: 1,
      dropped: 0,
    })
    expect(heard).toEqual([])
    expect(recordsOf(journal, 'note', 'bus.filtered')).toMatchObject([
      { cause: 'run-1', data: { event: 'run-1', subscriber: 'listener' } },
    ])
  })

  test('that throws fails the command with its own error, or the delivery', async () => {
    const { bus, journal } = recordedBus()
    const broken = new Error('broken layer')
    bus.use(({ type }, next) => {
      if (type !== 'bus.deliveryFailed') throw broken
      return next()
    })
    bus.handle(Greet, () => '')
    bus.on(Greeted, () => undefined)

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(broken)
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ failed: 1 })
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toHaveLength(1)
  })

  test('gets the own error of the handler from next, and may try again', async () => {
    const bus = new MessageBus()
    const seen: unknown[] = []
    const broken = new Error('not yet')
    bus.use(async (_, next) => {
      try {
        return await next()
      } catch (error) {
        seen.push(error)
        return next()
      }
    })
    bus.handle(Greet, ({ name }) => {
      if (seen.length === 0) throw broken
      return name
    })

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Ada')
    expect(seen).toEqual([broken])
    expect(seen[0]).toBe(broken)
  })

  test('of an effect runs after the flush, and around nothing where there is no handler', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.use(layer(story, 'layer'))

    await expect(bus.execute(Pay, { amount: 1 })).rejects.toMatchObject({ code: 'NO_HANDLER' })
    expect(story).toEqual([])
  })

  test('may call next twice: the handler runs twice, and the journal has one result', async () => {
    const { bus, journal } = recordedBus()
    let runs = 0
    bus.use(async (_, next) => [await next(), await next()].join(' '))
    bus.handle(Greet, () => `${++runs}`)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('1 2')
    expect(recordsOf(journal, 'result')).toMatchObject([{ output: '1 2' }])
  })

  test('may call next twice around a delivery: it is one delivery', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.use(async (_, next) => {
      await next()
      await next({ timeout: 1000 })
    })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    const { settled } = bus.publish(Greeted, { name: 'Ada' })

    expect(await settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(heard).toEqual(['Ada', 'Ada'])
  })

  test('may call next twice around a subscriber that leaves at the first: it was delivered, once', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.use(async (_, next) => {
      await next()
      await next()
    })
    const off = bus.on(Greeted, ({ name }) => {
      heard.push(name)
      off()
    })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })

    expect(await settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(heard).toEqual(['Ada'])
  })

  test('gives its own limits to the second try, not those of the first', async () => {
    const bus = new MessageBus()
    const deadlines: boolean[] = []
    bus.use(async (_, next) => {
      await next({ timeout: 60_000 })
      return next()
    })
    bus.handle(Greet, (_, { deadline }) => {
      deadlines.push(deadline !== undefined)
      return ''
    })
    await bus.execute(Greet, { name: 'Ada' })

    expect(deadlines).toEqual([true, false])
  })

  test('that swallows the failure of a delivery makes it delivered: no letter, nothing told', async () => {
    const { bus, journal } = recordedBus()
    bus.use((_, next) => next().catch(() => undefined), { for: [Greeted] })
    bus.on(Greeted, () => Promise.reject(new Error('no')))

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1, failed: 0 })
    expect(bus.deadLetters.size).toBe(0)
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toEqual([])
  })

  test('is around a redriven delivery too', async () => {
    const bus = new MessageBus()
    const seen: string[] = []
    let broken = true
    bus.on(Greeted, () => {
      if (broken) throw new Error('no')
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    broken = false
    bus.use(
      ({ id }, next) => {
        seen.push(id)
        return next()
      },
      { for: [Greeted] },
    )
    const [letter] = bus.deadLetters.list()
    await bus.deadLetters.redrive(letter?.id ?? '')

    expect(seen).toEqual([letter?.message])
  })
})
