import { defineEvent, MessageBus } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Greeted } from './fixtures/greeting.ts'

const data = z.object({})
const ToolCalled = defineEvent('tool.called', { data })
const ToolListed = defineEvent('tool.list.read', { data })
const Toolbox = defineEvent('toolbox.opened', { data })
const Tool = defineEvent('tool', { data })
const everything = [ToolCalled, ToolListed, Toolbox, Tool]

async function heardBy(
  ...selectors: (string | typeof ToolCalled | (typeof ToolCalled)[])[]
): Promise<string[]> {
  const bus = new MessageBus()
  const heard: string[] = []
  for (const selector of selectors) {
    const note = (_: unknown, { message }: { message: { type: string } }): void =>
      void heard.push(message.type)
    if (typeof selector === 'string') bus.on(selector, note)
    else if ('kind' in selector) bus.on(selector, note)
    else bus.on(selector, note)
  }
  for (const event of everything) await bus.publish(event, {}).settled
  return heard
}

test('an event reaches who subscribed to it, and nobody else', async () => {
  expect(await heardBy(ToolCalled)).toEqual(['tool.called'])
})

test('a list of events is one subscription to each', async () => {
  expect(await heardBy([ToolCalled, Toolbox])).toEqual(['tool.called', 'toolbox.opened'])
})

test('an event named twice in a list is heard once', async () => {
  expect(await heardBy([ToolCalled, ToolCalled])).toEqual(['tool.called'])
})

test('`tool.*` reaches everything under `tool.`, at any depth, but neither `tool` nor `toolbox`', async () => {
  expect(await heardBy('tool.*')).toEqual(['tool.called', 'tool.list.read'])
  expect(await heardBy('tool.list.*')).toEqual(['tool.list.read'])
})

test('`**` reaches everything', async () => {
  expect(await heardBy('**')).toEqual(everything.map(({ type }) => type))
})

test('a type as text reaches that type', async () => {
  expect(await heardBy('tool.called')).toEqual(['tool.called'])
})

test('two subscriptions of one function are two deliveries', async () => {
  expect(await heardBy(ToolCalled, ToolCalled)).toEqual(['tool.called', 'tool.called'])
})

test('an unsubscribed subscriber hears nothing, and the others still hear', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  const off = bus.on(Greeted, () => void heard.push('left'))
  bus.on('**', () => void heard.push('stayed'))
  off()
  off()
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(heard).toEqual(['stayed'])
})

test('the undo of one of two equal subscriptions leaves the other', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  const listener = ({ name }: { name: string }): void => void heard.push(name)
  const off = bus.on(Greeted, listener)
  bus.on(Greeted, listener)
  off()
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(heard).toEqual(['Ada'])
})

test('who subscribes between two events hears the second', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  await bus.publish(Greeted, { name: 'Ada' }).settled
  bus.on('people.*', (_, { message }) => void heard.push(message.type))
  await bus.publish(Greeted, { name: 'Bob' }).settled

  expect(heard).toEqual(['people.greeted'])
})

test('the undo runs at the end of a using block', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  {
    using _off = bus.on(Greeted, ({ name }) => void heard.push(name))
    await bus.publish(Greeted, { name: 'Ada' }).settled
  }
  await bus.publish(Greeted, { name: 'Bob' }).settled

  expect(heard).toEqual(['Ada'])
})
