import { MessageBus, type JournalRecord } from 'busline'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('a tap', () => {
  test('gets exactly what the journal gets, secrets replaced, in order', async () => {
    const { bus, journal } = recordedBus()
    const tapped: JournalRecord[] = []
    bus.tap((record) => tapped.push(record))
    bus.secret('sk-0123456789')
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return `hello ${name}`
    })
    bus.on(Greeted, () => {
      throw new Error('no')
    })
    await bus.execute(Greet, { name: 'sk-0123456789' })
    await rejection(bus.execute(Carry, new Date(0)))
    await idle()

    expect(tapped).toEqual(journal.records.slice(1))
    expect(tapped.map(({ kind, type }) => `${kind} ${type}`)).toEqual([
      'command people.greet',
      'event people.greeted',
      'result people.greet',
      'event bus.deliveryFailed',
      'note bus.deadLettered',
      'command things.carry',
      'result things.carry',
    ])
    expect(JSON.stringify(tapped)).not.toContain('sk-0123456789')
  })

  test('works without a journal, from the record after its registration on', async () => {
    const bus = new MessageBus()
    const tapped: string[] = []
    bus.publish(Greeted, { name: 'Ada' })
    bus.tap(({ kind, type }) => tapped.push(`${kind} ${type}`))
    bus.publish(Greeted, { name: 'Bob' })

    expect(tapped).toEqual(['event people.greeted'])
  })

  test('that was taken back gets nothing; the other registration of the same function still does', () => {
    const { bus } = recordedBus()
    const tapped: number[] = []
    const tap = ({ seq }: JournalRecord): void => void tapped.push(seq)
    const off = bus.tap(tap)
    bus.tap(tap)
    bus.publish(Greeted, { name: 'Ada' })
    off()
    off()
    bus.publish(Greeted, { name: 'Bob' })

    expect(tapped).toEqual([1, 1, 2])
  })

  test('has a record of its own: changing it reaches neither the journal nor another tap', () => {
    const { bus, journal } = recordedBus()
    const tapped: unknown[] = []
    bus.tap((record) => {
      record.data = 'changed'
    })
    bus.tap(({ data }) => tapped.push(data))
    bus.publish(Greeted, { name: 'Ada' })

    expect(tapped).toEqual([{ name: 'Ada' }])
    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { name: 'Ada' } }])
  })

  test('gets the records in order though another tap publishes, and only those since it came', () => {
    const { bus, journal } = recordedBus()
    const tapped: number[] = []
    const late: number[] = []
    bus.tap(({ data }) => {
      if (JSON.stringify(data) !== '{"name":"Ada"}') return
      bus.publish(Greeted, { name: 'Bob' })
      bus.tap(({ seq }) => void late.push(seq))
      bus.publish(Greeted, { name: 'Cleo' })
    })
    bus.tap(({ seq }) => void tapped.push(seq))
    bus.publish(Greeted, { name: 'Ada' })

    expect(tapped).toEqual([1, 2, 3])
    expect(late).toEqual([3])
    expect(journal.records.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
  })

  test('that was taken back by another gets no record that is on its way', () => {
    const { bus } = recordedBus()
    const tapped: number[] = []
    bus.tap(() => off())
    const off = bus.tap(({ seq }) => void tapped.push(seq))
    bus.publish(Greeted, { name: 'Ada' })

    expect(tapped).toEqual([])
  })

  test('that publishes for whatever it gets is taken off with a note, and the others get every record', () => {
    const { bus, journal } = recordedBus()
    const tapped: number[] = []
    bus.tap(function echo() {
      bus.publish(Greeted, { name: 'again' })
    })
    bus.tap(({ seq }) => void tapped.push(seq))
    bus.publish(Greeted, { name: 'Ada' })

    expect(recordsOf(journal, 'note')).toMatchObject([{ type: 'bus.tapFailed', by: 'echo' }])
    expect(tapped).toEqual(journal.records.slice(1).map(({ seq }) => seq))
    expect(tapped.length).toBeLessThan(200)
  })

  test('that throws is taken off with a note, and neither sender nor subscriber notices', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    let calls = 0
    bus.tap(function countBadly() {
      calls++
      throw new Error('no')
    })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    bus.publish(Greeted, { name: 'Ada' })
    await bus.publish(Greeted, { name: 'Bob' }).settled

    expect(calls).toBe(1)
    expect(heard).toEqual(['Ada', 'Bob'])
    expect(recordsOf(journal, 'note')).toMatchObject([
      { type: 'bus.tapFailed', by: 'countBadly', data: { error: { message: 'no' } } },
    ])
  })

  test('that throws leaves the others with every record, in order', () => {
    const { bus, journal } = recordedBus()
    const tapped: number[] = []
    bus.tap(({ seq }) => void tapped.push(seq))
    bus.tap(() => {
      throw new Error('no')
    })
    bus.tap(({ seq }) => void tapped.push(seq))
    bus.publish(Greeted, { name: 'Ada' })

    expect(tapped).toEqual([1, 1, 2, 2])
    expect(journal.records.map(({ seq }) => seq)).toEqual([0, 1, 2])
  })

  test('that rejects is taken off with a note, and makes no unhandled rejection', async () => {
    const { bus, journal } = recordedBus()
    let calls = 0
    // oxlint-disable-next-line typescript/no-misused-promises -- TypeScript lets it pass, so users will do it.
    bus.tap(async () => {
      calls++
      throw new Error('later')
    })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()
    bus.publish(Greeted, { name: 'Bob' })

    expect(calls).toBe(1)
    expect(recordsOf(journal, 'note', 'bus.tapFailed')).toHaveLength(1)
  })
})

describe('a record', () => {
  test('has its envelope first and its one heavy field last', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return name
    })
    await bus.session('s1').execute(Greet, { name: 'Ada' })

    expect(journal.lines.slice(1)).toEqual([
      '{"seq":1,"time":1000,"kind":"command","type":"people.greet","id":"run-1","session":"s1","root":"run-1","data":{"name":"Ada"}}',
      '{"seq":2,"time":1000,"kind":"event","type":"people.greeted","id":"run-1.1","session":"s1","cause":"run-1","root":"run-1","data":{"name":"Ada"}}',
      '{"seq":3,"time":1000,"kind":"result","type":"people.greet","of":"run-1","session":"s1","root":"run-1","ms":0,"status":"ok","output":"Ada"}',
    ])
  })

  test('holds no secret in its envelope: session, turn and the name of who did it', async () => {
    const { bus, journal } = recordedBus()
    const secret = 'sk-"0123456789'
    bus.secret(secret)
    bus.handle(Greet, { [secret]: ({ name }: { name: string }) => name }[secret] ?? (() => ''))
    await bus.session(secret).execute(Greet, { name: 'Ada' }, { turn: `turn ${secret}` })

    expect(journal.lines.join('\n')).not.toContain('0123456789')
    const envelope = { session: '[secret]', turn: 'turn [secret]' }
    expect(journal.records.slice(1)).toMatchObject([envelope, { ...envelope, by: '[secret]' }])
  })

  test('is numbered without gaps, whatever happens between', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Carry, (input) => input)
    for (const input of [1, undefined, { at: new Date(0) }, Number.NaN, 'x', [undefined]]) {
      await bus.execute(Carry, input).catch(() => undefined)
    }

    expect(journal.records.map(({ seq }) => seq)).toEqual(journal.lines.map((_, index) => index))
  })

  test('tells times with three decimals at most', () => {
    const times = [1000.123456, 2000.5, 3000]
    const tapped: JournalRecord[] = []
    const bus = new MessageBus({ now: () => times.shift() ?? 0 })
    bus.tap((record) => tapped.push(record))
    for (let n = 0; n < 3; n++) bus.publish(Greeted, { name: 'Ada' })

    expect(tapped.map(({ time }) => time)).toEqual([1000.123, 2000.5, 3000])
  })
})
