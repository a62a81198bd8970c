import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'

const Price = z.number().nonnegative()

const Prices = z.object({
  /** Of what is sent, except what has a price of its own below. */
  input: Price,
  /** Of what is answered, reasoning included. */
  output: Price,
  /** Of input that a cache held (default: `input`). */
  cachedInput: Price.optional(),
  /** Of input that was written to a cache (default: `input`). */
  cacheWrite: Price.optional(),
  /** Of audio sent (default: `input`). */
  audioInput: Price.optional(),
  /** Of audio answered (default: `output`). */
  audioOutput: Price.optional(),
})

/** What the tokens of one call cost, in US dollars for so many tokens as the table's `per` says. */
export type Prices = z.output<typeof Prices>

const ModelPrice = Prices.extend({
  /** A model's name; `*` stands for any characters. */
  match: z.string().min(1),
  /** Since when it holds, `YYYY-MM-DD` (default: always). Of several with the same `match` the latest that holds counts. */
  from: z.iso.date().optional(),
  /** Prices of all tokens of a call that sends more than `above` tokens. */
  tiers: z.array(Prices.extend({ above: z.number().nonnegative() })).optional(),
})

/** The price of the models that a pattern names. */
export type ModelPrice = z.output<typeof ModelPrice>

const PriceTable = z.object({
  /** The day that it tells of, `YYYY-MM-DD`. */
  asOf: z.iso.date(),
  currency: z.literal('USD'),
  /** For how many tokens the prices are. */
  per: z.number().positive(),
  models: z.array(ModelPrice),
})

/** A dated table of what models cost, as data. */
export type PriceTable = z.output<typeof PriceTable>

/** Refuses a table with a field that is no price, naming the field; its `data.option` and `data.why` are for those who say it in words of their own. */
export function checkPrices(table: PriceTable): PriceTable {
  const parsed = PriceTable.safeParse(table)
  if (parsed.success) return table
  const [issue] = parsed.error.issues
  const field = ['prices', ...(issue?.path ?? [])].join('.')
  throw new BuslineError(
    'INVALID_OPTION',
    `usageMeter.${field}: ${issue?.message}. See PRICES for a table that is well formed.`,
    { data: { option: field, why: issue?.message ?? '' } },
  )
}

/**
 * The price of a model: that of the longest pattern which its whole name fits, else its name behind the last `/`
 * (`openai/gpt-4o-mini`); undefined when none does. With `at`, epoch milliseconds, prices that held then; else the latest.
 */
export function priceOf(model: string, table: PriceTable, at?: number): ModelPrice | undefined {
  const whole = bestFit(model, table, at)
  const slash = model.lastIndexOf('/')
  return whole ?? (slash < 0 ? undefined : bestFit(model.slice(slash + 1), table, at))
}

function bestFit(name: string, table: PriceTable, at: number | undefined): ModelPrice | undefined {
  let best: Pattern | undefined
  for (const pattern of patternsOf(table)) {
    const holds = at === undefined || pattern.from <= at
    if (holds && fits(pattern, name) && (!best || precedes(pattern, best))) best = pattern
  }
  return best?.price
}

/** A price with its pattern taken apart. */
interface Pattern {
  readonly price: ModelPrice
  /** The texts between the `*`, at least one. */
  readonly parts: readonly string[]
  /** A name without a `*` is more exact than any pattern of the same letters. */
  readonly exactness: number
  /** Epoch milliseconds from which it holds. */
  readonly from: number
}

/** Each call asks, so the patterns of a table are taken apart once. */
const patterns = new WeakMap<PriceTable['models'], readonly Pattern[]>()

function patternsOf({ models }: PriceTable): readonly Pattern[] {
  const known = patterns.get(models)
  if (known?.length === models.length && known.every(({ price }, place) => price === models[place]))
    return known
  const taken = models.map((price): Pattern => {
    const parts = price.match.split('*')
    const letters = parts.join('').length
    const exactness = letters * 2 + (parts.length === 1 ? 1 : 0)
    return { price, parts, exactness, from: price.from === undefined ? -Infinity : Date.parse(price.from) }
  })
  patterns.set(models, taken)
  return taken
}

/** Of two that are as exact and as new, the one that stands first: so that one's own, put first, wins. */
function precedes(one: Pattern, other: Pattern): boolean {
  const more = one.exactness - other.exactness
  return more > 0 || (more === 0 && one.from > other.from)
}

function fits({ parts }: Pattern, name: string): boolean {
  const [first = '', ...rest] = parts
  if (rest.length === 0) return first === name
  const last = rest.at(-1) ?? ''
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false
  let from = first.length
  const end = name.length - last.length
  for (const part of rest.slice(0, -1)) {
    const place = name.indexOf(part, from)
    if (place < 0 || place + part.length > end) return false
    from = place + part.length
  }
  return true
}
