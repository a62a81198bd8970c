import { seededIds, seededRandom } from 'busline/testing'
import { expect, test } from 'vitest'

const first = (count: number, random: () => number): number[] => Array.from({ length: count }, random)

test('numbers are those of mulberry32', () => {
  // As computed by https://gist.github.com/tommyettinger/46a874533244883189143505d203312c.
  expect(first(3, seededRandom(1))).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522])
})

test('numbers are the same for the same seed, and others for another', () => {
  expect(first(20, seededRandom(7))).toEqual(first(20, seededRandom(7)))
  expect(first(20, seededRandom(7))).not.toEqual(first(20, seededRandom(8)))
})

test('numbers lie from 0 up to 1, evenly', () => {
  const numbers = first(10_000, seededRandom(3))
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
  for (let tenth = 0; tenth < 10; tenth++) {
    const inside = numbers.filter((number) => Math.floor(number * 10) === tenth).length
    expect(Math.abs(inside - 1000)).toBeLessThan(150)
  }
})

test('ids are the same for the same seed, ten characters that a bus accepts, and never the same twice', () => {
  const newId = seededIds(5)
  const ids = Array.from({ length: 20_000 }, newId)
  expect(ids.slice(0, 5)).toEqual(Array.from({ length: 5 }, seededIds(5)))
  expect(ids.every((id) => /^[0-9a-z]{10}$/.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})
