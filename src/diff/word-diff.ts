import { commonPairs } from './common-pairs.ts'

/** A piece of two texts: in both, only in the first (`removed`), or only in the second (`added`). */
export interface TextPart {
  readonly state: 'same' | 'removed' | 'added'
  readonly text: string
}

/**
 * Compares two texts word by word. The parts that are not `added` make the first text, those that are not `removed` the second.
 */
export function wordDiff(a: string, b: string): TextPart[] {
  const [wordsA, wordsB] = [wordsOf(a), wordsOf(b)]
  const parts: { state: TextPart['state']; text: string }[] = []
  const add = (state: TextPart['state'], words: readonly string[]): void => {
    if (words.length === 0) return
    const last = parts.at(-1)
    if (last?.state === state) last.text += words.join('')
    else parts.push({ state, text: words.join('') })
  }
  let [fromA, fromB] = [0, 0]
  for (const [atA, atB] of commonPairs(wordsA, wordsB)) {
    add('removed', wordsA.slice(fromA, atA))
    add('added', wordsB.slice(fromB, atB))
    add('same', wordsA.slice(atA, atA + 1))
    fromA = atA + 1
    fromB = atB + 1
  }
  add('removed', wordsA.slice(fromA))
  add('added', wordsB.slice(fromB))
  return parts
}

/** Words, white space and single other characters: joined they are the text. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}_]+|\s+|[^\p{L}\p{N}\p{M}_\s]/gu) ?? []
}
