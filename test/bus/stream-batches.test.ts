import { defineCommand, defineEvent, memoryJournal, MessageBus, type JournalRecord } from 'busline'
import { story, testBus } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greeted, Said } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const Speak = defineCommand('people.speak', {
  input: z.object({ words: z.array(z.string()) }),
  output: z.string(),
  // So that what the journal holds of the words, it holds from the stream.
  record: ({ words }) => ({ words: words.length }),
})

describe('a stream event', () => {
  test('reaches its subscribers delta by delta, at once; the journal gets one batch before the result', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    const counts: number[] = []
    bus.on(Said, ({ text }) => void heard.push(text))
    bus.handle(Speak, async ({ words }, scope) => {
      for (const text of words) {
        scope.publish(Said, { text })
        await Promise.resolve()
        counts.push(heard.length)
      }
      return words.join('')
    })
    await bus.execute(Speak, { words: ['Hel', 'lo', ' you'] })

    expect(heard).toEqual(['Hel', 'lo', ' you'])
    expect(counts).toEqual([1, 2, 3])
    expect(story(journal)).toEqual(['command people.speak', 'event people.said', 'result people.speak'])
    expect(recordsOf(journal, 'event')).toEqual([
      {
        seq: 2,
        time: 1000,
        kind: 'event',
        type: 'people.said',
        id: 'run-1.1',
        cause: 'run-1',
        root: 'run-1',
        data: {
          deltas: [
            [0, 'Hel'],
            [0, 'lo'],
            [0, ' you'],
          ],
        },
      },
    ])
  })

  test('tells when each delta came, in milliseconds since the first', async () => {
    const journal = memoryJournal()
    let time = 5000
    const bus = new MessageBus({ journal, now: () => time })
    bus.handle(Speak, ({ words }, scope) => {
      for (const text of words) {
        scope.publish(Said, { text })
        time += 1.23456
      }
      return ''
    })
    await bus.execute(Speak, { words: ['a', 'b', 'c'] })

    expect(recordsOf(journal, 'event')).toMatchObject([
      {
        time: 5000,
        data: {
          deltas: [
            [0, 'a'],
            [1.235, 'b'],
            [2.469, 'c'],
          ],
        },
      },
    ])
  })

  test('has one id for all deltas of a batch, which its children count on', async () => {
    const { bus, journal } = recordedBus()
    const ids: string[] = []
    bus.on(Said, ({ text }, scope) => {
      ids.push(scope.message.id)
      scope.publish(Greeted, { name: text })
    })
    bus.handle(Speak, async ({ words }, scope) => {
      for (const text of words) await scope.publish(Said, { text }).settled
      return ''
    })
    await bus.execute(Speak, { words: ['a', 'b'] })

    expect(ids).toEqual(['run-1.1', 'run-1.1'])
    expect(recordsOf(journal, 'event', 'people.greeted').map(({ id }) => id)).toEqual([
      'run-1.1.1',
      'run-1.1.2',
    ])
  })

  test('is written when 4096 characters have come, and goes on in a new batch with an id of its own', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Speak, ({ words }, scope) => {
      for (const text of words) scope.publish(Said, { text })
      return String(recordsOf(journal, 'event').length)
    })

    expect(await bus.execute(Speak, { words: ['x'.repeat(4000), 'y'.repeat(96), 'z'] })).toBe('1')
    expect(recordsOf(journal, 'event')).toMatchObject([
      {
        id: 'run-1.1',
        data: {
          deltas: [
            [0, 'x'.repeat(4000)],
            [0, 'y'.repeat(96)],
          ],
        },
      },
      { id: 'run-1.2', data: { deltas: [[0, 'z']] } },
    ])
  })

  test('is written after a quarter of a second, so that a crash keeps the text so far', async () => {
    const { bus, journal } = recordedBus()
    const written = deferred()
    bus.tap(({ type }) => type === Said.type && written.resolve())
    bus.handle(Speak, async ({ words }, scope) => {
      for (const text of words) scope.publish(Said, { text })
      await written.promise
      return story(journal).join(', ')
    })

    expect(await bus.execute(Speak, { words: ['partial'] })).toBe('command people.speak, event people.said')
  })

  test('is written before the result of a command that fails, and of one that is given up', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Speak, ({ words }, scope) => {
      for (const text of words) scope.publish(Said, { text })
      if (words.length === 1) throw new Error('no')
      return new Promise(() => undefined)
    })
    await rejection(bus.execute(Speak, { words: ['failed'] }))
    await rejection(bus.execute(Speak, { words: ['given', 'up'] }, { timeout: 1 }))

    expect(story(journal)).toEqual([
      'command people.speak',
      'event people.said',
      'result people.speak',
      'command people.speak',
      'event people.said',
      'note bus.cancelRequested',
      'result people.speak',
    ])
  })

  test('of two commands at a time is two batches, each with its own cause', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Speak, async ({ words }, scope) => {
      for (const text of words) {
        scope.publish(Said, { text })
        await idle(1)
      }
      return ''
    })
    await Promise.all([bus.execute(Speak, { words: ['a', 'b'] }), bus.execute(Speak, { words: ['1', '2'] })])

    expect(recordsOf(journal, 'event')).toMatchObject([
      {
        cause: 'run-1',
        data: {
          deltas: [
            [0, 'a'],
            [0, 'b'],
          ],
        },
      },
      {
        cause: 'run-2',
        data: {
          deltas: [
            [0, '1'],
            [0, '2'],
          ],
        },
      },
    ])
  })

  test('from outside of any command is written when the bus stops', async () => {
    const { bus, journal } = recordedBus()
    bus.publish(Said, { text: 'a' })
    bus.session('s1').publish(Said, { text: 'b' })
    bus.publish(Said, { text: 'c' })
    await bus.stop()

    expect(recordsOf(journal, 'event')).toMatchObject([
      {
        id: 'run-1',
        root: 'run-1',
        data: {
          deltas: [
            [0, 'a'],
            [0, 'c'],
          ],
        },
      },
      { id: 'run-2', session: 's1', data: { deltas: [[0, 'b']] } },
    ])
  })

  test('reaches its subscribers just so where nothing is recorded', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Said, ({ text }) => void heard.push(text))
    bus.publish(Said, { text: 'a' })
    await bus.publish(Said, { text: 'b' }).settled

    expect(heard).toEqual(['a', 'b'])
  })
})

describe('a secret in a stream', () => {
  const KEY = 'sk-0123456789'

  const Deltas = z.object({ deltas: z.array(z.tuple([z.number(), z.string()])) })
  const textsOf = (records: readonly JournalRecord[]): string[] =>
    records.map(({ data }) =>
      Deltas.parse(data)
        .deltas.map(([, text]) => text)
        .join(''),
    )

  async function spoken(words: string[]): Promise<{ lines: string; texts: string }> {
    const { bus, journal } = recordedBus()
    bus.secret(KEY)
    bus.handle(Speak, (input, scope) => {
      for (const text of input.words) scope.publish(Said, { text })
      return ''
    })
    await bus.execute(Speak, { words })
    return { lines: journal.lines.join('\n'), texts: textsOf(recordsOf(journal, 'event')).join('') }
  }

  test('is replaced inside one delta', async () => {
    expect(await spoken(['the key ', `is ${KEY}`, ' indeed'])).toMatchObject({
      texts: 'the key is [secret] indeed',
    })
  })

  test.each(Array.from({ length: KEY.length - 1 }, (_, index) => index + 1))(
    'is replaced when it is split after %d characters',
    async (at) => {
      const { lines, texts } = await spoken(['key: ', KEY.slice(0, at), KEY.slice(at), '.'])

      expect(texts).toBe('key: [secret].')
      expect(lines).not.toContain(KEY)
    },
  )

  test('is replaced when it comes letter by letter', async () => {
    expect(await spoken(`it is ${KEY}, twice ${KEY}.`.split(''))).toMatchObject({
      texts: 'it is [secret], twice [secret].',
    })
  })

  test('is replaced when it is split where a batch ends', async () => {
    const { texts, lines } = await spoken(['x'.repeat(4090) + KEY.slice(0, 6), KEY.slice(6), ' and on'])

    expect(texts).toBe(`${'x'.repeat(4090)}[secret] and on`)
    expect(lines).not.toContain(KEY.slice(0, 6))
  })

  test('leaves text that only began like it, and the times of its deltas', async () => {
    const { bus, journal } = recordedBus()
    bus.secret(KEY)
    bus.publish(Said, { text: 'sk-' })
    bus.publish(Said, { text: 'otched earth' })
    await bus.stop()

    expect(recordsOf(journal, 'event')).toMatchObject([
      {
        data: {
          deltas: [
            [0, 'sk-'],
            [0, 'otched earth'],
          ],
        },
      },
    ])
  })

  test('that only may have begun holds back no more than its beginning, and no process', async () => {
    const { bus, clock, journal } = testBus()
    bus.secret(KEY)
    bus.publish(Said, { text: 'yes' })
    await clock.advance(250)

    expect(textsOf(recordsOf(journal, 'event'))).toEqual(['ye'])
    expect(clock.pending).toBe(0)

    bus.publish(Said, { text: ', indeed' })
    await clock.advance(250)
    expect(textsOf(recordsOf(journal, 'event'))).toEqual(['ye', 's, indeed'])

    bus.publish(Said, { text: 's' })
    await clock.advance(1000)
    expect(clock.pending).toBe(0)
    await bus.stop()
    expect(textsOf(recordsOf(journal, 'event'))).toEqual(['ye', 's, indeed', 's'])
  })

  test('that only may have begun keeps no batch of 4096 characters from being written', async () => {
    const { bus, journal } = recordedBus()
    bus.secret(KEY)
    bus.handle(Speak, ({ words }, scope) => {
      for (const text of words) scope.publish(Said, { text })
      return textsOf(recordsOf(journal, 'event'))
        .map(({ length }) => length)
        .join(' ')
    })
    const words = Array.from({ length: 10 }, () => `${'x'.repeat(999)}s`)

    expect(await bus.execute(Speak, { words })).toBe('4999 5000')
    expect(textsOf(recordsOf(journal, 'event')).join('')).toBe(words.join(''))
  })

  test('that may have begun is in the batch of the next delta, whose id the subscribers get', async () => {
    const { bus, clock, journal } = testBus()
    const ids: string[] = []
    bus.secret(KEY)
    bus.on(Said, (_, scope) => void ids.push(scope.message.id))
    for (const text of ['s', 'k', ' yes', '!']) {
      bus.publish(Said, { text })
      await clock.advance(250)
    }
    await bus.stop()

    const events = recordsOf(journal, 'event')
    expect(textsOf(events)).toEqual(['sk ye', 's!'])
    expect(ids).toEqual([events[0]?.id, events[0]?.id, events[0]?.id, events[1]?.id])
    expect(events[0]?.data).toEqual({
      deltas: [
        [0, 's'],
        [250, 'k'],
        [500, ' ye'],
      ],
    })
  })

  test('is never told in pieces, wherever it is cut and whenever a batch is written', async () => {
    const secrets = fc.array(fc.stringMatching(/^[ab]{8,12}$/), { minLength: 1, maxLength: 3 })
    const piece = fc.oneof(fc.nat(2), fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 }))
    const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(secrets, fc.array(piece, { maxLength: 12 }), cuts, async (values, pieces, steps) => {
        const { bus, clock, journal } = testBus()
        for (const value of values) bus.secret(value)
        const whole = pieces.map((one) => (typeof one === 'number' ? (values[one] ?? '') : one)).join('')
        for (let at = 0, step = 0; at < whole.length; step++) {
          const [length, waits] = steps[step % steps.length] ?? [1, false]
          bus.publish(Said, { text: whole.slice(at, at + length) })
          at += length
          if (waits) await clock.advance(250)
          if (waits) expect(clock.pending).toBe(0)
        }
        await bus.stop()

        expect(textsOf(recordsOf(journal, 'event')).join('')).toBe(bus.redact(whole))
      }),
      { numRuns: 300 },
    )
  })

  test('that may have begun is kept for a thousand senders that never end, then the oldest is written', async () => {
    const { bus, clock, journal } = testBus()
    bus.secret(KEY)
    for (let n = 0; n < 1002; n++) bus.session(`s${n}`).publish(Said, { text: 's' })
    await clock.advance(250)

    expect(recordsOf(journal, 'event').map(({ session }) => session)).toEqual(['s0', 's1'])
  })

  test('of a tap that publishes into the batch that it gets loses no delta', async () => {
    const { bus, clock, journal } = testBus()
    bus.secret(KEY)
    let echoed = false
    bus.tap(({ type }) => {
      if (type === Said.type && !echoed) bus.publish(Said, { text: '[more]' })
      echoed = true
    })
    bus.publish(Said, { text: 'yes' })
    await clock.advance(250)
    await bus.stop()

    expect(textsOf(recordsOf(journal, 'event'))).toEqual(['ye', 's[more]'])
  })

  test('is hidden where the schema marks the text of the stream', async () => {
    const Whispered = defineEvent('people.whispered', {
      data: z.object({ text: z.string().meta({ secret: true }) }),
      stream: true,
    })
    const { bus, journal } = recordedBus()
    bus.publish(Whispered, { text: 'open sesame' })
    await bus.stop()

    expect(textsOf(recordsOf(journal, 'event'))).toEqual(['[secret]'])
  })
})
