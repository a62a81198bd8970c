import { defineTool, UpdateSession, type UsageMeterOptions } from 'busline'
import * as z from 'zod'

/** A model of which the price is known: 1 dollar a million tokens in, 10 out. */
export const PRICED: UsageMeterOptions = {
  prices: {
    asOf: '2026-01-01',
    currency: 'USD',
    per: 1_000_000,
    models: [{ match: 'golden-*', input: 1, output: 10 }],
  },
}

/** What the golden runs have in common. */
export const APP = { model: 'golden-1', systemPrompt: 'You help.', usage: PRICED } as const

/** Weather that takes 50 ms, and 150 ms for Oslo: so calls that run at once end in another order. */
export const weather = defineTool({
  name: 'get_weather',
  description: 'Get the weather of a place.',
  parameters: z.object({ location: z.string() }),
  effect: 'read',
  run: async ({ location }, scope) => {
    await scope.sleep(location === 'Oslo' ? 150 : 50)
    return { location, temperature: location.length, conditions: 'sunny' }
  },
})

/** A tool that fails. */
export const broken = defineTool({
  name: 'read_sensor',
  description: 'Read a sensor.',
  parameters: z.object({ id: z.string() }),
  effect: 'read',
  run: async ({ id }, scope) => {
    await scope.sleep(10)
    throw new Error(`Sensor ${id} does not answer.`)
  },
})

/** A tool that changes the session that it is called in. */
export const remember = defineTool({
  name: 'remember',
  description: 'Remember a fact about the user.',
  parameters: z.object({ key: z.string(), value: z.string() }),
  effect: 'idempotent',
  run: async ({ key, value }, scope) => {
    await scope.execute(UpdateSession, { patchContext: { [key]: value }, name: `About ${key}` })
    return 'remembered'
  },
})

/** A tool that has to be approved. */
export const pay = defineTool({
  name: 'pay',
  description: 'Pay an amount in euros to somebody.',
  parameters: z.object({ to: z.string(), amount: z.number() }),
  approval: true,
  run: async ({ to, amount }, scope) => {
    await scope.sleep(40)
    return `${amount} € paid to ${to}`
  },
})
