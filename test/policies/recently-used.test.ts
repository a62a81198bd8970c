import { describe, expect, test } from 'vitest'
import { RecentlyUsed } from '../../src/policies/recently-used.ts'

describe('recently used values', () => {
  const always = (): boolean => true
  const made: string[] = []
  const make = (key: string) => () => {
    made.push(key)
    return { key }
  }

  test('of more than so many, the least recently used one leaves', () => {
    const values = new RecentlyUsed<{ key: string }>(2)
    const a = values.get('a', make('a'), always)
    const b = values.get('b', make('b'), always)
    expect(values.get('a', make('a'), always)).toBe(a)
    values.get('c', make('c'), always)

    expect(values.size).toBe(2)
    expect(values.get('a', make('a'), always)).toBe(a)
    expect(values.get('b', make('b'), always)).not.toBe(b)
  })

  test('one that may leave goes before one that may not, and if none may the oldest goes', () => {
    const values = new RecentlyUsed<{ key: string }>(2)
    const a = values.get('a', make('a'), always)
    values.get('b', make('b'), always)
    values.get('c', make('c'), (value) => value !== a)
    expect(values.get('a', make('a'), always)).toBe(a)

    values.get('d', make('d'), () => false)
    expect(values.size).toBe(2)
    expect(values.get('a', make('a'), () => false)).toBe(a)
  })
})
