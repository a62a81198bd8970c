import { createHash } from 'node:crypto'
import { defineTool } from 'busline'
import * as z from 'zod'

const CONDITIONS = ['sunny', 'partly cloudy', 'cloudy', 'light rain', 'windy']

/** Simulated weather, and it says so: the same place always has the same. */
export const weather = defineTool({
  name: 'get_weather',
  description: 'Get the current weather of a place. The weather is simulated.',
  parameters: z.object({
    location: z.string().min(1).describe('City, with region or country where it helps: "San Francisco, CA"'),
    unit: z.enum(['celsius', 'fahrenheit']).default('celsius').describe('Unit of the temperature'),
  }),
  run: function getWeather({ location, unit }) {
    const [warmth = 0, sky = 0] = createHash('sha256').update(location.trim().toLowerCase()).digest()
    const celsius = 5 + (warmth % 25)
    return {
      location,
      temperature: unit === 'celsius' ? celsius : Math.round((celsius * 9) / 5 + 32),
      unit,
      conditions: CONDITIONS[sky % CONDITIONS.length],
      simulated: true,
    }
  },
})
