/** What a piece of text comes to; either may be empty. */
export interface SplitText {
  reasoning: string
  text: string
}

const OPEN = '<think>'
const CLOSE = '</think>'
/** How much white space may stand before the first tag, in characters. */
const MAX_HELD = 200

/**
 * Tells the reasoning that a model writes into its text, as `<think>…</think>` at the beginning, from the text, while it
 * arrives in pieces cut anywhere. Only white space may stand before it. A block that is not closed is reasoning to the
 * end. Beside the two tags, and the space before the first, every character comes out once and in order.
 */
export class ThinkTags {
  #state: 'before' | 'within' | 'after' = 'before'
  /** What could still become a tag. */
  #held = ''

  push(piece: string): SplitText {
    if (this.#state === 'after') return { reasoning: '', text: piece }
    const all = this.#held + piece
    this.#held = ''
    return this.#state === 'within' ? this.#within(all) : this.#before(all)
  }

  /** What was held back when the text ended. */
  end(): SplitText {
    const held = this.#held
    this.#held = ''
    return this.#state === 'within' ? { reasoning: held, text: '' } : { reasoning: '', text: held }
  }

  #before(all: string): SplitText {
    const begun = all.trimStart()
    if (begun.startsWith(OPEN)) {
      this.#state = 'within'
      return this.#within(begun.slice(OPEN.length))
    }
    if (OPEN.startsWith(begun) && all.length < MAX_HELD) {
      this.#held = all
      return { reasoning: '', text: '' }
    }
    this.#state = 'after'
    return { reasoning: '', text: all }
  }

  #within(all: string): SplitText {
    const end = all.indexOf(CLOSE)
    if (end !== -1) {
      this.#state = 'after'
      return { reasoning: all.slice(0, end), text: all.slice(end + CLOSE.length) }
    }
    const kept = all.length - beginningOfTag(all)
    this.#held = all.slice(kept)
    return { reasoning: all.slice(0, kept), text: '' }
  }
}

/**
 * The text of a whole answer whose `<think>` was left out, as servers do whose template ends with it: what stands before
 * a `</think>` that ends its line is reasoning. Only the end tells, so it was heard as text.
 */
export function splitUnopened(whole: string): SplitText {
  const close = /<\/think>[^\S\n]*(?:\n|$)/.exec(whole)
  if (!close || whole.slice(0, close.index).includes(OPEN)) return { reasoning: '', text: whole }
  return {
    reasoning: whole.slice(0, close.index),
    text: whole.slice(close.index + CLOSE.length),
  }
}

/** How many characters at the end could be the beginning of the closing tag. */
function beginningOfTag(text: string): number {
  const last = text.lastIndexOf('<')
  return last !== -1 && CLOSE.startsWith(text.slice(last)) ? text.length - last : 0
}
