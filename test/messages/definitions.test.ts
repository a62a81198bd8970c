import { defineCommand, defineEvent } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'

test('a command is plain frozen data: kind, type, schemas, and what was said of it', () => {
  const input = z.object({})
  const output = z.string()
  const Greet = defineCommand('people.greet', { input, output })

  expect(Greet).toEqual({
    kind: 'command',
    type: 'people.greet',
    input,
    output,
    effect: false,
    startsTurn: false,
    version: 1,
    upcast: {},
    upcastOutput: {},
  })
  expect(Object.isFrozen(Greet)).toBe(true)
  expect(defineCommand('money.pay', { input, output, effect: true })).toMatchObject({ effect: true })
})

test('an event is plain frozen data, and no stream unless it says so', () => {
  const data = z.object({ text: z.string() })
  const Said = defineEvent('people.said', { data, stream: true })

  expect(defineEvent('people.greeted', { data })).toEqual({
    kind: 'event',
    type: 'people.greeted',
    data,
    stream: false,
    version: 1,
    upcast: {},
  })
  expect(Said).toMatchObject({ kind: 'event', stream: true })
  expect(Object.isFrozen(Said)).toBe(true)
})
