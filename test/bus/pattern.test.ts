import { MessageBus, type Bus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { thrownBy } from './fixtures/promises.ts'

const NOTHING = ['', '*', 'a*', 'a.*b', '*.b', 'a.*.b', 'a..b', '.a', 'a.', 'a.**', '**.a', '***', '.']
const SOMETHING = ['a', 'a.b', 'a.*', 'a.b.*', '**', 'a-b_c.d']

const ways: { way: string; select: (bus: Bus, selector: string) => unknown }[] = [
  { way: 'on', select: (bus, selector) => bus.on(selector, () => undefined) },
  { way: 'events', select: (bus, selector) => bus.events(selector) },
  { way: 'use', select: (bus, selector) => bus.use((_, next) => next(), { for: [selector] }) },
  { way: 'on of a session', select: (bus, selector) => bus.session('s1').on(selector, () => undefined) },
]

describe.each(ways)('$way', ({ select }) => {
  test.each(NOTHING)('refuses %j, which selects nothing', (selector) => {
    expect(thrownBy(() => select(new MessageBus(), selector))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { selector },
    })
  })

  test.each(SOMETHING)('takes %j', (selector) => {
    expect(() => select(new MessageBus(), selector)).not.toThrow()
  })
})

test('a refused selector leaves nothing behind: no layer, no subscriber', async () => {
  const bus = new MessageBus()
  const story: string[] = []
  const refused = [
    () => bus.on('people.**', () => void story.push('subscriber')),
    () =>
      bus.use(
        (_, next) => {
          story.push('layer')
          return next()
        },
        { for: ['people.*', 'a*'] },
      ),
  ]
  for (const refuse of refused) thrownBy(refuse)
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(story).toEqual([])
})

test('a middleware for a pattern is around the types below that name, at any depth, and around no other', async () => {
  const bus = new MessageBus()
  const seen: string[] = []
  bus.use(
    ({ type }, next) => {
      seen.push(type)
      return next()
    },
    { for: ['people.*'] },
  )
  bus.handle(Greet, () => '')
  bus.handle(Carry, () => '')
  bus.on(Greeted, () => undefined)
  await bus.execute(Greet, { name: 'Ada' })
  await bus.execute(Carry, 1)
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(seen).toEqual(['people.greet', 'people.greeted'])
})
