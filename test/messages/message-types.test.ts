import * as busline from 'busline'
import { MESSAGE_TYPES } from 'busline/journal'
import { expect, test } from 'vitest'

test.each(Object.entries(MESSAGE_TYPES))('%s is the type of its definition', (name, type) => {
  const definitions = new Map<string, unknown>(Object.entries(busline))
  expect(definitions.get(`${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`)).toMatchObject({ type })
})
