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

/** Characters without a break from which on a run is counted in pieces: the tokenizer takes the square of its length. */
const LONGEST_RUN = 256
/** Quick to look for, and in ordinary prose not there. */
const LONG = new RegExp(`\\S{${LONGEST_RUN + 1}}|\\s{${LONGEST_RUN + 1}}`)
/** What the encodings never cut but by its tokens, and marks with letters. Numbers they take three at a time. */
const RUN = /[\p{L}\p{M}]+|[^\s\p{L}\p{M}\p{N}]+|\s+/gu

/** A text cut inside of its long runs only; no pair of surrogates is torn. */
function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let from = 0
  for (const { 0: run, index } of text.matchAll(RUN)) {
    const end = index + run.length
    for (let cut = index + LONGEST_RUN; cut < end; cut += LONGEST_RUN) {
      if (/[\uDC00-\uDFFF]/.test(text.charAt(cut))) cut--
      pieces.push(text.slice(from, cut))
      from = cut
    }
  }
  pieces.push(text.slice(from))
  return pieces
}

/**
 * The counter of an encoding, loaded when it is first asked for. A run of more than 256 letters, signs or spaces without a
 * break is counted in pieces of 256, each of which may come to a token more or less.
 *
 * @throws BuslineError `INVALID_OPTION` when the optional peer `gpt-tokenizer` is not installed
 */
export function encoding(name: EncodingName): TextCounter {
  try {
    const loaded = load(`gpt-tokenizer/encoding/${name}`)
    return (text) => {
      const count = (piece: string): number => loaded.countTokens(piece, ORDINARY)
      return LONG.test(text) ? piecesOf(text).reduce((sum, piece) => sum + count(piece), 0) : count(text)
    }
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
