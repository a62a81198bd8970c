import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from '../../src/bus/fifo.ts'

test('an empty queue has nothing to take, nowhere', () => {
  const fifo = new Fifo<number>()

  expect(fifo.length).toBe(0)
  expect(fifo.shift()).toBeUndefined()
  expect(fifo.at(0)).toBeUndefined()
  expect(fifo.takeNewest(() => true)).toBeUndefined()
  expect(fifo.toArray()).toEqual([])
})

test('what goes in comes out in the same order, also when it grew while its beginning was in the middle', () => {
  const fifo = new Fifo<number>()
  for (const n of [1, 2, 3]) fifo.push(n)
  fifo.shift()
  fifo.shift()
  for (const n of [4, 5, 6, 7, 8]) fifo.push(n)

  expect(fifo.toArray()).toEqual([3, 4, 5, 6, 7, 8])
  expect(fifo.at(0)).toBe(3)
  expect(fifo.at(5)).toBe(8)
  expect(fifo.at(6)).toBeUndefined()
})

test('takes the newest that matches and leaves the others in their order', () => {
  const fifo = new Fifo<number>()
  for (const n of [1, 2, 3, 4, 5]) fifo.push(n)

  expect(fifo.takeNewest((n) => n % 2 === 0)).toBe(4)
  expect(fifo.takeNewest((n) => n > 9)).toBeUndefined()
  expect(fifo.toArray()).toEqual([1, 2, 3, 5])
})

test('behaves like an array, whatever is done to it', () => {
  const step = fc.oneof(
    fc.record({ how: fc.constant('push' as const), n: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ how: fc.constant('shift' as const), n: fc.constant(0) }),
    fc.record({ how: fc.constant('takeNewest' as const), n: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ how: fc.constant('clear' as const), n: fc.constant(0) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const { how, n } of steps) {
        if (how === 'push') {
          fifo.push(n)
          model.push(n)
        } else if (how === 'shift') expect(fifo.shift()).toBe(model.shift())
        else if (how === 'takeNewest') {
          const place = model.lastIndexOf(n)
          expect(fifo.takeNewest((item) => item === n)).toBe(model[place])
          if (place !== -1) model.splice(place, 1)
        } else {
          fifo.clear()
          model.length = 0
        }
        expect(fifo.length).toBe(model.length)
        expect(fifo.toArray()).toEqual(model)
        expect(fifo.at(model.length - 1)).toBe(model.at(-1))
      }
    }),
  )
})
