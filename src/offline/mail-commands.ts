/** A part of a text that orders a mail: from its verb to the next such order or the end. */
export interface MailCommand {
  readonly at: number
  /** Where what follows the verb begins and ends. */
  readonly from: number
  readonly end: number
}

/** A mail address; bounded, so that a hostile text costs no more than its length. */
export const ADDRESS = /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/u

const VERB =
  /\b(?:(?<send>send|write|shoot|drop|compose)|(?<mail>e-?mail|mail)(?!\s+(?:address|from|is|was|client|server|account|list|provider|app)\b))\s+/gi

/** What may stand before `mail` when it is a verb: "please mail bob", not "my mail". */
const BEFORE_MAIL =
  /(?:^|[.?!;:,\n"(]|\b(?:please|and|then|also|to|just|now|(?:can|could|would|will) you|ok|okay|hi|hey|hello))\s*$/i

/** "I send", "did you send", "don't send", "how do I send": talk about mail, not an order. */
const NO_ORDER =
  /\b(?:i|we|they|he|she|did you|do you|have you|don't|do not|never|not to|how to|how (?:do|can|would) \w{1,10})\s+$/i

const JOINT = /[\s,;]{0,9}(?:\b(?:and|then|also|please)\s{1,9}){0,3}$/i

/** Finds the orders to send a mail. */
export function mailCommands(text: string): MailCommand[] {
  const starts = Array.from(text.matchAll(VERB)).filter((match, index) => {
    const before = text.slice(Math.max(0, match.index - 40), match.index)
    const after = text.slice(match.index + match[0].length, match.index + 120)
    if (NO_ORDER.test(before)) return false
    // a second order needs its own address: "mail bob that you'll mail me" is one
    if (index > 0 && (!BEFORE_MAIL.test(before) || !startsWithAddress(after))) return false
    if (match.groups?.['mail']) return BEFORE_MAIL.test(before)
    return /\be-?mail\b|\bmail\b|\bmessage to\b/i.test(after) || ADDRESS.test(after)
  })
  return starts.map((match, index) => {
    const from = match.index + match[0].length
    const next = starts[index + 1]?.index
    // "… saying hi and email …": the joining word belongs to neither
    const words = next === undefined ? text.slice(from) : text.slice(from, next).replace(JOINT, '')
    return { at: match.index, from, end: from + words.length }
  })
}

function startsWithAddress(words: string): boolean {
  const found = ADDRESS.exec(words)
  return (
    found !== null &&
    /^(?:(?:an?|the|e-?mail|mail|message|to|it|that|this)\s+)*$/i.test(words.slice(0, found.index))
  )
}
