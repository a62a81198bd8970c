import { createRequire } from 'node:module'
import { BuslineError } from '../messages/busline-error.ts'

/** Counts the tokens of a text. */
export type TextCounter = (text: string) => number

export type EncodingName = 'cl100k_base' | 'o200k_base'

interface Encoding {
  countTokens(text: string, options: { disallowedSpecial: Set<string> }): number
}

/** Texts of users may hold what looks like a special token: it is text. */
const ORDINARY = { disallowedSpecial: new Set<string>() }

// Required and not imported: one encoding takes 2 MB and a tenth of a second, and which one is wanted is known only now.
const load: (id: string) => Encoding = createRequire(import.meta.url)

/**
 * The counter of an encoding, loaded when it is first asked for.
 *
 * @throws BuslineError `INVALID_OPTION` when the optional peer `gpt-tokenizer` is not installed
 */
export function encoding(name: EncodingName): TextCounter {
  try {
    const loaded = load(`gpt-tokenizer/encoding/${name}`)
    return (text) => loaded.countTokens(text, ORDINARY)
  } catch (cause) {
    throw new BuslineError(
      'INVALID_OPTION',
      'busline/tokens needs the package gpt-tokenizer, which is not installed. Run npm install gpt-tokenizer.',
      { cause, data: { package: 'gpt-tokenizer' } },
    )
  }
}

/**
 * Models before gpt-4o read cl100k_base, all since o200k_base
 * (https://github.com/openai/tiktoken/blob/main/tiktoken/model.py). An unknown name, e.g. of an Azure deployment,
 * is taken for a new model.
 */
export function encodingOf(model: string): EncodingName {
  return /^(?:ft:)?(?:openai\/)?gpt-(?:3\.5|35|4(?!o|\.\d|-?o\b))/.test(model) ? 'cl100k_base' : 'o200k_base'
}
