import * as z from 'zod'

export const MODEL = 'gpt-4o-mini'
export const QUESTION = "What's the weather in San Francisco, CA?"
/** What the server says in the end, in 32 pieces of text. */
export const REPLY =
  'It is 18 degrees and sunny in San Francisco, CA right now, with a light wind from the west; ' +
  'you may want a jacket for the evening, when the fog usually comes in from the ocean.'
/** What the server calls the tool with. */
export const ARGUMENTS = '{"location":"San Francisco, CA","unit":"celsius"}'

export const TOOL_NAME = 'get_weather'
export const DESCRIPTION = 'Get the current weather of a place.'
export const parameters = z.object({ location: z.string(), unit: z.enum(['celsius', 'fahrenheit']) })

let asked = 0

/** What the tool does, whoever runs it. */
export function weatherOf(location: string): { location: string; temperature: number; conditions: string } {
  asked++
  return { location, temperature: 18, conditions: 'sunny' }
}

/** How often the tool ran since the last time; who runs it too often or never would not be compared with. */
export function takeAsked(): number {
  const count = asked
  asked = 0
  return count
}
