import { memoryOutcomes } from 'busline'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../bus/fixtures/promises.ts'

const outcome = (output: unknown) => ({ input: 'hash', output })

describe('memoryOutcomes', () => {
  test('keeps an outcome until it expires', () => {
    const store = memoryOutcomes()
    void store.set('a', outcome(1), 100)

    expect(store.get('a', 99)).toEqual(outcome(1))
    expect(store.get('a', 100)).toBeUndefined()
    expect(store.get('b', 0)).toBeUndefined()
  })

  test('of more than its capacity lets the oldest go, where one that is set again is young', () => {
    const store = memoryOutcomes({ capacity: 2 })
    for (const key of ['a', 'b', 'a', 'c']) void store.set(key, outcome(key), 100)

    expect(['a', 'b', 'c'].map((key) => store.get(key, 0))).toEqual([outcome('a'), undefined, outcome('c')])
  })

  test.each([0, 1.5, NaN])('refuses a capacity of %d', (capacity) => {
    expect(thrownBy(() => memoryOutcomes({ capacity }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'capacity' },
    })
  })
})
