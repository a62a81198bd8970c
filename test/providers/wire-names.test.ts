import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { PROFILES } from '../../src/providers/profiles.ts'
import { PLAIN_NAMES, requestNames, wireName, wireNames } from '../../src/providers/wire-names.ts'

const { names: dotted } = z
  .object({ names: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(new URL('fixtures/dotted-names.json', import.meta.url), 'utf8')))

test('a name that the server takes goes as it is', () => {
  for (const name of ['f', 'get_weather', 'a-B_9', 'x'.repeat(64)]) expect(wireName(name)).toBe(name)
})

test('any other goes in a form that still tells what it is', () => {
  expect(wireName('math.add')).toMatch(/^math_add_[0-9a-z]{10}$/)
  expect(wireName('mcp/files read')).toMatch(/^mcp_files_read_[0-9a-z]{10}$/)
  expect(wireName('x'.repeat(65))).toMatch(/^x{53}_[0-9a-z]{10}$/)
})

test('recorded function names with dots go to the wire and come back, all different', () => {
  const { toWire, fromWire } = wireNames(dotted)
  expect(new Set(dotted.map(toWire)).size).toBe(dotted.length)
  expect(dotted.map(toWire).map(fromWire)).toEqual(dotted)
})

/** Names that differ in what is lost when they are made fit, and names that look as if they had been. */
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'A', '_', '-', '.', ' ', '/', 'é', '0'), maxLength: 5 }),
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc.string({ unit: fc.constantFrom('a', '.', '_'), minLength: 60, maxLength: 70 }),
  fc.string({ unit: fc.constantFrom('a', '.', '_'), maxLength: 5 }).map((one) => wireName(one)),
)

test('names of any characters fit the rule of each server, collide with none and come back', () => {
  const rules = new Set(PROFILES.map(({ names }) => names))
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 40 }), fc.constantFrom(...rules), (names, rule) => {
      const { toWire, fromWire } = wireNames(names, rule)
      const sent = names.map(toWire)
      expect(new Set(sent).size).toBe(names.length)
      expect(sent.map(fromWire)).toEqual(names)
      for (const one of sent) {
        expect(one).toMatch(rule.legal)
        expect(one).toMatch(PLAIN_NAMES.legal)
        expect(one.length).toBeLessThanOrEqual(rule.longest)
      }
    }),
    { numRuns: 500 },
  )
})

test('a name that looks like one that was changed is changed too, so that nobody can take its place', () => {
  const changed = wireName('math.add')
  const { fromWire, toWire } = wireNames(['math.add', changed])
  expect(toWire(changed)).not.toBe(changed)
  expect(fromWire(changed)).toBe('math.add')
  expect(fromWire(toWire(changed))).toBe(changed)
})

test('what was not on offer comes back as it is, one that differs in case too', () => {
  const { fromWire } = wireNames(['math.add', 'Get_Weather'])
  expect(fromWire('get_weather')).toBe('get_weather')
  expect(fromWire(wireName('math.add').toUpperCase())).toBe(wireName('math.add').toUpperCase())
  expect(fromWire('math.add')).toBe('math.add')
})

test('the names of calls in the history come back too, where no tool on offer has the place', () => {
  const tools = [{ name: 'mail.send', description: '', parameters: {} }]
  const calls = ['math.add', 'mail.send', 'plain'].map((called, place) => ({
    id: `c${place}`,
    type: 'function' as const,
    function: { name: called, arguments: '{}' },
  }))
  const { fromWire, toWire } = requestNames({
    tools,
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: null, tool_calls: calls },
    ],
  })
  for (const one of ['math.add', 'mail.send', 'plain']) expect(fromWire(toWire(one))).toBe(one)
  expect(fromWire(wireName('never.called'))).toBe(wireName('never.called'))
})

test('a name that was worked out is remembered for its rule, and only for that', () => {
  const short = { legal: PLAIN_NAMES.legal, longest: 20 }
  expect(wireName('some.rather.long.name', short)).toHaveLength(20)
  expect(wireName('some.rather.long.name')).toMatch(/^some_rather_long_name_/)
  expect(wireName('some.rather.long.name', short)).toHaveLength(20)

  let looks = 0
  const counting = {
    legal: PLAIN_NAMES.legal,
    get longest() {
      looks++
      return 64
    },
  }
  const first = wireName('some.rather.long.name', counting)
  const before = looks
  expect(wireName('some.rather.long.name', counting)).toBe(first)
  // Once, to see that it has to be changed; not again to change it.
  expect(looks - before).toBe(1)
})
