import { understandArithmetic, type ArithmeticWish } from './understand-arithmetic.ts'
import { understandEmail, type MailOrder } from './understand-email.ts'
import { understandWeather, type WeatherWish } from './understand-weather.ts'

/** A mail to send. `content` tells where its body comes from: these words, this answer's results, or the last reply. */
export interface MailWish {
  readonly subject: 'mail'
  readonly at: number
  readonly to: readonly string[]
  readonly title?: string
  readonly body?: string
  readonly content: 'words' | 'results' | 'reply' | 'missing'
}

/** One thing that a user asks for. */
export type Wish = WeatherWish | ArithmeticWish | MailWish

/** Finds what a text asks for, in its order; empty when it is about none of the three subjects. */
export function understand(text: string): Wish[] {
  const orders = understandEmail(text, (words) => complete(otherWishes(words)).length > 0)
  const others = otherWishes(withoutMails(text, orders))
  const answerable = complete(others)

  const mails = orders.map((order) => mailWish(order, answerable))
  const asked = others.filter(
    (wish) => answerable.includes(wish) || !orders.some((order) => isInside(wish, order)),
  )
  return [...asked, ...mails].sort((one, other) => one.at - other.at)
}

function otherWishes(text: string): (WeatherWish | ArithmeticWish)[] {
  return [...understandWeather(text), ...understandArithmetic(text)]
}

function complete<T extends WeatherWish | ArithmeticWish>(wishes: readonly T[]): T[] {
  return wishes.filter((wish) =>
    wish.subject === 'weather' ? wish.location !== undefined : wish.expression !== undefined,
  )
}

/** What a mail says is not asked of us; a mail without words of its own may name what it is to hold. */
function withoutMails(text: string, orders: readonly MailOrder[]): string {
  let rest = text
  for (const { at, end, body, bare } of orders) {
    if (body !== undefined && !bare) rest = rest.slice(0, at) + '\n'.padEnd(end - at) + rest.slice(end)
  }
  return rest.replace(/\S+@\S+/g, (address) => ' '.repeat(address.length))
}

function isInside(wish: { readonly at: number }, order: MailOrder): boolean {
  return wish.at >= order.at && wish.at < order.end
}

function mailWish(order: MailOrder, answerable: readonly Wish[]): MailWish {
  const { at, to, title, body, bare, refersBack } = order
  const wish = { subject: 'mail' as const, at, to, ...(title !== undefined && { title }) }
  if (body !== undefined && !bare) return { ...wish, body, content: 'words' }
  if (answerable.some((other) => isInside(other, order))) return { ...wish, content: 'results' }
  if (refersBack) return { ...wish, content: answerable.length > 0 ? 'results' : 'reply' }
  if (body !== undefined) return { ...wish, body, content: 'words' }
  if (title !== undefined) return { ...wish, body: title, content: 'words' }
  return { ...wish, content: answerable.length > 0 ? 'results' : 'missing' }
}
