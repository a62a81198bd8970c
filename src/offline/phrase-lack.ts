import type { ToolOffer } from './tool-offer.ts'
import type { Wish } from './understand.ts'

/** Says why a wish is not granted, and what to do about it; undefined when nothing is missing. */
export function phraseLack(wish: Wish, offer: ToolOffer): string | undefined {
  if (wish.subject === 'weather') {
    if (!offer.has('get_weather')) return `I can't look up the weather here: ${offer.why('get_weather')}.`
    return wish.location === undefined ? 'For which place? Say, for example, "weather in Rome".' : undefined
  }
  if (wish.subject === 'arithmetic') {
    if (!offer.has('calculate')) return `I can't calculate here: ${offer.why('calculate')}.`
    return wish.expression === undefined ? NO_SUM : undefined
  }
  if (!offer.has('send_email')) return `I can't send mail here: ${offer.why('send_email')}.`
  if (wish.to.length === 0) return NO_ADDRESS
  if (wish.content !== 'missing') return undefined
  return `What should the mail to ${wish.to.join(' and ')} say? Say, for example, "email ${wish.to[0]} that lunch is at noon".`
}

const NO_SUM =
  "I can't read that as a sum. Write it with numbers and + - * / ^ % or square roots, such as (3 + 4) * 2^5."
const NO_ADDRESS = "To which address? I need one such as bob@example.com, and I won't make one up."
