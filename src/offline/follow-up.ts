import { placeTokens, readPlaces } from './read-places.ts'
import { understandArithmetic } from './understand-arithmetic.ts'
import { addressesIn } from './understand-email.ts'
import { isLater, unitIn } from './understand-weather.ts'
import type { MailWish, Wish } from './understand.ts'

/**
 * Reads a text that makes sense only after what was asked before: "And in London?", "in fahrenheit", "times 2",
 * or the missing piece that the last answer asked for. `direct`: the text answers that very message.
 */
export function followUp(text: string, previous: readonly Wish[], direct: boolean): Wish[] {
  const last = previous.at(-1)
  if (!last) return []
  if (direct && last.subject === 'mail' && isOpen(last)) return completedMail(text, last)

  const rest = text.replace(
    /^(?:(?:and|also|or|now|then|so|ok|okay|what about|how about)\b,?\s{0,9}){1,3}/i,
    '',
  )
  const sum = previous.findLast((wish) => wish.subject === 'arithmetic')
  const carriedOn = continued(rest, sum?.expression)
  return carriedOn.length > 0 ? carriedOn : weatherElsewhere(rest, rest !== text, direct, previous)
}

function weatherElsewhere(rest: string, led: boolean, direct: boolean, previous: readonly Wish[]): Wish[] {
  const places = previous.filter((wish) => wish.subject === 'weather')
  const tokens = placeTokens(rest)
  const preposition = /^(?:in|for|at)$/i.test(tokens[0]?.text ?? '')
  const unit = /fahrenheit|celsius|centigrade|\u00b0|^in [fc]\b/i.test(rest) ? unitIn(rest) : undefined
  const [wish] = places
  const answers = direct && wish !== undefined && wish.location === undefined
  if (!wish || (!led && !preposition && !answers)) return []

  const found = readPlaces(tokens, preposition ? 1 : 0)
  if (found.length > 0 && isOnlyPlaces(tokens.slice(found.at(-1)?.next)))
    return found.map(({ name, at }) => ({
      ...wish,
      at,
      location: name,
      unit: unit ?? wish.unit,
      later: isLater(rest),
    }))
  return unit && tokens.length <= 6 ? places.map((place) => ({ ...place, unit })) : []
}

/** "And in Rome tomorrow, please?" is about weather, "and Rome was built when?" is not. */
function isOnlyPlaces(after: readonly { readonly text: string }[]): boolean {
  return after.every(({ text }) =>
    /^(?:[?!.,]|in|\u00b0.*|f|c|fahrenheit|celsius|please|too|now|right|today|tomorrow|tonight|then|and|also|instead)$/i.test(
      text,
    ),
  )
}

function continued(rest: string, expression: string | undefined): Wish[] {
  if (
    expression === undefined ||
    !/^(?:[-+*/^]|plus|minus|times|divided|multiplied|to the power|squared)/i.test(rest)
  )
    return []
  const whole = `(${expression}) ${rest}`
  return understandArithmetic(whole).filter((wish) => wish.at === 0)
}

function isOpen(mail: MailWish): boolean {
  return mail.to.length === 0 || mail.content === 'missing'
}

const CALLED_OFF = /^(?:no|cancel|never ?mind|forget it|stop|don't)\b/i

function completedMail(text: string, mail: MailWish): Wish[] {
  if (mail.to.length === 0) {
    const to = addressesIn(text)
    return to.length > 0 ? [{ ...mail, to }] : []
  }
  if (text === '' || CALLED_OFF.test(text)) return []
  const body = text.replace(/^(?:say|saying|tell (?:him|her|them)|that)\b:?\s{0,9}(?:that\b\s{0,9})?/i, '')
  return [{ ...mail, body, content: 'words' }]
}
