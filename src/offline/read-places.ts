import { isRegion, isRegionCode } from './regions.ts'

/** A word, number or sign of a text; `at` is its place. */
export interface Token {
  readonly text: string
  readonly at: number
}

/** A place named in a text; `next` is the token after it. */
export interface Place {
  readonly name: string
  readonly at: number
  readonly next: number
}

const TOKEN =
  /(?:St|Mt|Ft|Ste)\.(?=\s\p{L})|(?:\p{Lu}\.){2,}|\u00b0\s?[cf](?!\p{L})|\p{L}[\p{L}\p{M}'-]*|\d+|\n|[^\s]/giu

/** Cuts a text into words, numbers and signs. */
export function placeTokens(text: string): Token[] {
  return Array.from(text.matchAll(TOKEN), (match) => ({ text: match[0], at: match.index }))
}

/** Words that end a place's name, or show that none begins here. */
const STOPS = new Set(
  (
    'a about address after again all also am an and any are as at be because been before by calculate can celsius ' +
    'centigrade compared compute could currently date day degrees did do does during eg email every fahrenheit ' +
    'for forecast from give go going had has have he help her here hey hi him his how i if in instead is it ' +
    'its just kelvin know later let like looking mail maybe me minus more my no not now of off ok okay on or ' +
    'our outside over place please plus pls question right say saying send she should since so something soon ' +
    'tell temperature than thank thanks that the their them then there these they this those times to today ' +
    'tomorrow tonight too until us using versus via vs was we weather were what whats when where which ' +
    'while who why will with would yes yesterday you your monday tuesday wednesday thursday friday saturday ' +
    'sunday january february march april june july august september october november december morning afternoon ' +
    'evening night midnight noon weekend week month year minute minutes hour hours days spring summer autumn ' +
    'winter fall future general particular case total detail short home work school least once example sure ' +
    'order advance real bed nice good bad great lovely awful terrible current present outdoor local moment'
  ).split(' '),
)

/** `how's` stops as `how` does; the `d'` of a name does not. */
function isStop(word: string): boolean {
  const lower = word.toLowerCase()
  return STOPS.has(lower) || STOPS.has(lower.replace(/'.*$/, ''))
}

const CONNECTORS =
  /^(?:de|da|do|dos|das|del|della|di|du|des|d'|la|le|les|of|upon|on|am|an|der|den|the|sur|el|al|y)$/i

/** Reads "Rome", "San Francisco, CA", "Tokyo and Kyoto", "Rome, Paris and London" from a token on. */
export function readPlaces(tokens: readonly Token[], from: number): Place[] {
  const places: Place[] = []
  let place = readPlace(tokens, from, false)
  while (place) {
    places.push(place)
    let next = place.next
    const comma = tokens[next]?.text === ','
    if (comma) next++
    if (/^(?:and|or|&|\/|vs|versus)$/i.test(tokens[next]?.text ?? '')) next++
    if (/^in$/i.test(tokens[next]?.text ?? '') && next > place.next) next++
    place = next > place.next ? readPlace(tokens, next, comma) : undefined
  }
  return places
}

function readPlace(tokens: readonly Token[], from: number, listed: boolean): Place | undefined {
  const city = readName(tokens, from)
  if (!city) return undefined

  let { name, next } = city
  for (;;) {
    const region = regionAfter(tokens, next, city.name, listed || name !== city.name)
    if (!region) break
    name += `, ${region.name}`
    next = region.next
  }
  return { name, at: city.at, next }
}

/** "Berlin, Germany" is one place; "Rome, Paris and London" and "Italy, France" are lists. */
function regionAfter(tokens: readonly Token[], at: number, city: string, listed: boolean): Place | undefined {
  if (tokens[at]?.text !== ',') return undefined
  const region = readName(tokens, at + 1)
  if (!region) return undefined
  if (isRegionCode(region.name) || /^usa$/i.test(region.name)) return region
  if (isRegion(city)) return undefined
  if (isRegion(region.name)) return region
  const goesOn = /^(?:,|and|or|&)$/i.test(tokens[region.next]?.text ?? '')
  return listed || goesOn ? undefined : region
}

function readName(tokens: readonly Token[], from: number): Place | undefined {
  let start = from
  const word = (at: number) => tokens[at]?.text ?? ''
  if (/^the$/i.test(word(start))) start++
  if (/^(?:city|town)$/i.test(word(start)) && /^of$/i.test(word(start + 1))) start += 2

  const capital = /^\p{Lu}/u.test(word(start))
  const words: string[] = []
  let next = start
  for (; words.length < 6; next++) {
    if (!/^\p{L}/u.test(word(next))) break
    // "Rome looking grey": after a capital only names and the small words between names belong to it
    const follows = /^\p{Lu}/u.test(word(next + 1)) && !isStop(word(next + 1))
    const connects = words.length > 0 && CONNECTORS.test(word(next)) && follows
    if (connects ? !capital : isStop(word(next))) break
    if (capital && !connects && !/^(?:\p{Lu}|d')/u.test(word(next))) break
    if (!capital && words.length === 3) break
    words.push(word(next))
  }
  const first = tokens[start]
  if (!first || words.length === 0 || (!capital && words.join('').length < 2)) return undefined
  const article = start > from && word(from) === 'The' ? 'The ' : ''
  const name = words.join(' ').replace(/'s$/i, '')
  return { name: article + (capital ? quieter(name) : titled(name)), at: first.at, next }
}

/** "PARIS" as "Paris"; short names in capitals, "NYC", are meant so. */
function quieter(name: string): string {
  return /^[A-Z]{4}/.test(name) && name === name.toUpperCase() ? titled(name.toLowerCase()) : name
}

function titled(name: string): string {
  return name.replace(/(^|[\s-])(\p{Ll}[\p{L}']*)/gu, (whole, before: string, word: string) =>
    before && CONNECTORS.test(word) ? whole : before + word.slice(0, 1).toUpperCase() + word.slice(1),
  )
}
