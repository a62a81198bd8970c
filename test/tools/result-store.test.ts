import { resultStore } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

function clockOf(start = 0) {
  let time = start
  return { now: () => time, pass: (ms: number) => void (time += ms) }
}

const of = (call: string, session = 's') => ({ session, call })

describe('resultStore', () => {
  test('gives a kept text back whole', () => {
    const store = resultStore({ now: () => 0 })
    expect(store.keep({ ...of('c1'), text: 'x'.repeat(1_000_000) })).toBe(true)
    expect(store.find(of('c1'))).toEqual({ text: 'x'.repeat(1_000_000) })
  })

  test('keeps calls of the same id in different sessions apart, also those of no session', () => {
    const store = resultStore({ now: () => 0 })
    store.keep({ ...of('c1', 'a'), text: 'of a' })
    store.keep({ ...of('c1', 'b'), text: 'of b' })
    expect(store.find(of('c1', 'a'))).toEqual({ text: 'of a' })
    expect(store.find(of('c1', 'b'))).toEqual({ text: 'of b' })
    expect(store.find({ session: undefined, call: 'c1' })).toEqual({ absent: 'unknown' })
  })

  test('replaces the result of a call that is kept again', () => {
    const store = resultStore({ now: () => 0 })
    store.keep({ ...of('c1'), text: 'four' })
    store.keep({ ...of('c1'), text: 'fifth' })
    expect(store.find(of('c1'))).toEqual({ text: 'fifth' })
    expect(store.bytes()).toBe(5)
  })

  test('drops the oldest first when there are too many bytes, and says so of them', () => {
    const store = resultStore({ now: () => 0, maxBytes: 10 })
    store.keep({ ...of('c1'), text: '12345' })
    store.keep({ ...of('c2'), text: '12345' })
    store.keep({ ...of('c3'), text: '1' })
    expect(store.find(of('c1'))).toEqual({ absent: 'dropped' })
    expect(store.find(of('c2'))).toEqual({ text: '12345' })
    expect(store.find(of('c3'))).toEqual({ text: '1' })
  })

  test('drops the oldest first when there are too many results', () => {
    const store = resultStore({ now: () => 0, maxResults: 2 })
    for (const call of ['c1', 'c2', 'c3']) store.keep({ ...of(call), text: '' })
    expect(store.find(of('c1'))).toEqual({ absent: 'dropped' })
    expect(store.find(of('c2'))).toEqual({ text: '' })
  })

  test('does not keep what is too large alone, and drops nothing for it', () => {
    const store = resultStore({ now: () => 0, maxBytes: 3 })
    store.keep({ ...of('c1'), text: 'abc' })
    expect(store.keep({ ...of('c2'), text: 'äö' })).toBe(false)
    expect(store.find(of('c1'))).toEqual({ text: 'abc' })
    expect(store.find(of('c2'))).toEqual({ absent: 'too large' })
  })

  test('forgets a result after its time, and says so', () => {
    const clock = clockOf()
    const store = resultStore({ now: clock.now, ttl: 1000 })
    store.keep({ ...of('c1'), text: 'abc' })
    clock.pass(999)
    expect(store.find(of('c1'))).toEqual({ text: 'abc' })
    clock.pass(1)
    expect(store.bytes()).toBe(0)
    expect(store.find(of('c1'))).toEqual({ absent: 'expired' })
  })

  test('does not give out what is expired when the clock was set back between', () => {
    const clock = clockOf(5000)
    const store = resultStore({ now: clock.now, ttl: 1000 })
    store.keep({ ...of('c1'), text: 'late' })
    clock.pass(-5000)
    store.keep({ ...of('c2'), text: 'early' })
    clock.pass(1500)
    expect(store.find(of('c2'))).toEqual({ absent: 'expired' })
    expect(store.find(of('c1'))).toEqual({ text: 'late' })
  })

  test.each([
    [{ maxBytes: 0 }, 'resultStore.maxBytes'],
    [{ ttl: -1 }, 'resultStore.ttl'],
    [{ maxResults: 1.5 }, 'resultStore.maxResults'],
  ])('refuses %j', (options, option) => {
    expect(() => resultStore({ now: () => 0, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
    )
  })

  test('never holds more than it may, and of what it holds the newest', () => {
    const step = fc.record({
      call: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      length: fc.nat(12),
      pass: fc.nat(40),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = clockOf()
        const store = resultStore({ now: clock.now, maxBytes: 20, ttl: 100, maxResults: 3 })
        // What it should hold, told in the simplest way: all that was put, cut down from the front.
        let model: { call: string; length: number; at: number }[] = []
        for (const { call, length, pass } of steps) {
          clock.pass(pass)
          store.keep({ ...of(call), text: 'x'.repeat(length) })
          model = [...model.filter((one) => one.call !== call), { call, length, at: clock.now() }]
          model = model.filter(({ at }) => at + 100 > clock.now())
          while (model.length > 3 || model.reduce((sum, { length }) => sum + length, 0) > 20) model.shift()
          expect(store.bytes()).toBe(model.reduce((sum, { length }) => sum + length, 0))
          for (const call of ['a', 'b', 'c', 'd', 'e']) {
            const held = model.find((one) => one.call === call)
            expect('text' in store.find(of(call))).toBe(held !== undefined)
          }
        }
      }),
    )
  })
})
