import { assertLosslessJson } from '../messages/lossless-json.ts'

/** What a text is as JSON; the text itself where it is none, or what a journal could not hold (`1e999` is Infinity). */
export function parsedJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    assertLosslessJson(value, 'the text')
    return value
  } catch {
    return text
  }
}
