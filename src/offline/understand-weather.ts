import { placeTokens, readPlaces, type Place, type Token } from './read-places.ts'

/** A scale of temperature, as `get_weather` takes it. */
export type Unit = 'celsius' | 'fahrenheit'

/** Weather to look up; no `location` when none was named. `later` when another time than now was asked for. */
export interface WeatherWish {
  readonly subject: 'weather'
  readonly at: number
  readonly location?: string
  readonly unit: Unit
  readonly later: boolean
}

const ALWAYS = /\b(?:weather|temperatures?|temps?|forecast)\b/i
const IN_QUESTIONS =
  /^(?:any |still )?(?:rain|snow|sunny|cloudy|windy|foggy)\b|\b(?:raining|rainy|snowing|snowy|umbrella|raincoat|need (?:an? |my )?(?:coat|jacket|sweater|sunscreen)|how (?:hot|cold|warm|humid|windy|chilly|sunny|cool|many degrees)|(?:is|will|does) it (?:\w+ ){0,3}(?:rain|snow|hot|cold|warm|humid|windy|chilly|sunny|cloudy|foggy|freezing|cool|wet|dry|hotter|colder|warmer))\b/i
const LATER =
  /\b(?:tomorrow|tonight|later|next|weekend|forecast|(?:on|this) (?:mon|tues|wednes|thurs|fri|satur|sun)day|will (?:it|i|we))\b/i

/** Finds the places whose weather a text asks for, each once, in order. */
export function understandWeather(text: string): WeatherWish[] {
  const wishes: WeatherWish[] = []
  let asked = false

  for (const clause of clausesOf(text)) {
    const words = text.slice(clause.at, clause.end)
    const own = isWeather(words)
    asked = own ? isAsked(words, clause.tokens) : asked && goesOn(words)
    if (!asked) continue

    const found = own ? placesAsked(clause.tokens) : placesAfterPreposition(clause.tokens)
    const at = clause.at
    const later = isLater(words)
    wishes.push(
      ...unitsOf(clause.tokens, found).map(({ place, unit }) => ({
        subject: 'weather' as const,
        at: place.at,
        location: place.name,
        unit,
        later,
      })),
    )
    if (found.length === 0 && own && isQuestion(words))
      wishes.push({ subject: 'weather', at, unit: unitIn(words), later })
  }

  const named = wishes.filter(({ location }) => location !== undefined)
  const once = new Map(named.map((wish) => [`${wish.location} ${wish.unit}`, wish]))
  return named.length > 0 ? [...once.values()] : wishes.slice(0, 1)
}

/** The unit a text names; celsius when it names none. */
export function unitIn(text: string): Unit {
  return placeTokens(text).reduce<Unit>((unit, _, at, tokens) => unitAt(tokens, at) ?? unit, 'celsius')
}

/** Whether a text asks for another time than now. */
export function isLater(text: string): boolean {
  return LATER.test(text)
}

interface Clause {
  readonly tokens: readonly Token[]
  readonly at: number
  readonly end: number
}

const STARTERS =
  /^(?:what|what's|whats|how|how's|is|are|was|will|would|can|could|do|does|should|who|when|where|why|tell|give|show|calculate|compute|email|mail|send|write|then|also|i|i'm|please)$/i

/** Cuts at the ends of sentences, and where an "and" or, after the word itself, a comma begins another request. */
function clausesOf(text: string): Clause[] {
  const tokens = placeTokens(text)
  const clauses: Clause[] = []
  let from = 0
  let named = false
  for (let at = 0; at <= tokens.length; at++) {
    const token = tokens[at]
    if (token && ALWAYS.test(token.text)) named = true
    const joins =
      token !== undefined && (/^(?:and|but|or|then)$/i.test(token.text) || (named && token.text === ','))
    const starts = joins && at > from && STARTERS.test(tokens[at + 1]?.text ?? '')
    if (token && !starts && !/^[.?!;\n]$/.test(token.text)) continue

    // the mark that ends a sentence belongs to it: it tells questions from statements
    const last = tokens[starts ? at - 1 : Math.min(at, tokens.length - 1)]
    const first = tokens[from]
    if (first && last && at > from)
      clauses.push({ tokens: tokens.slice(from, at), at: first.at, end: last.at + last.text.length })
    from = starts ? at : at + 1
    named = false
  }
  return clauses
}

function isWeather(words: string): boolean {
  return ALWAYS.test(words) || IN_QUESTIONS.test(words)
}

/** "And in Oslo?" goes on with the question before it, "and how do I get there?" does not. */
function goesOn(words: string): boolean {
  const [first = '', second = '', third = ''] = words.toLowerCase().split(/[\s,]+/)
  if (/^(?:what|how)$/.test(first)) return second === 'about'
  if (!/^(?:and|or|also)$/.test(first)) return false
  return !STARTERS.test(second) || third === 'about'
}

function isQuestion(words: string): boolean {
  if (words.endsWith('?')) return true
  const opening = words.replace(/^(?:(?:and|but|or|then|also|,|so|hi|hey|hello|ok)\s+){1,4}/i, '')
  return /^(?:what|how|is|are|will|do|does|should|can|could|tell|show|give|get|check|look|weather|forecast|temp)/i.test(
    opening,
  )
}

/** "The weather in Rome was nice." and "I love rainy weather." ask for nothing, a poem for more than we have. */
function isAsked(words: string, tokens: readonly Token[]): boolean {
  if (/\b(?:poem|haiku|sonnet|song|story|essay|joke|translate|summari[sz]e)\b/i.test(words)) return false
  if (/\b(?:want|need|know|tell|wonder|wondering|curious|please|check)\b/i.test(words)) return true
  const states = tokens.some(({ text }) => /^(?:is|was|were|are|am|has|had|love|like|hate|i|we)$/i.test(text))
  if (!states && ALWAYS.test(words)) return true
  return isQuestion(words) && (words.endsWith('?') || !/^(?:weather|forecast|temp)/i.test(words))
}

function placesAsked(tokens: readonly Token[]): Place[] {
  const found = placesAfterPreposition(tokens)
  if (found.length > 0) return found

  const keyword = tokens.findIndex(({ text }) => ALWAYS.test(text))
  if (keyword < 0) return []
  const after = readPlaces(tokens, tokens[keyword + 1]?.text === ':' ? keyword + 2 : keyword + 1)
  if (after.length > 0) return after

  // "Paris weather": the longest name that ends right before the word
  for (let from = Math.max(0, keyword - 12); from < keyword; from++) {
    const before = readPlaces(tokens, from)
    const last = before.at(-1)
    if (last?.next === keyword && (from === 0 || /^\p{Lu}/u.test(tokens[from]?.text ?? ''))) return before
  }
  return []
}

function placesAfterPreposition(tokens: readonly Token[]): Place[] {
  const found: Place[] = []
  for (let at = 0; at < tokens.length; at++) {
    const word = tokens[at]?.text ?? ''
    const capital = /^\p{Lu}/u.test(tokens[at + 1]?.text ?? '')
    const leads = /^(?:in|for|at|near|around)$/i.test(word) || (/^(?:of|to|about)$/i.test(word) && capital)
    // "Rome in celsius and Boston in fahrenheit"
    const lists = /^(?:and|or|,)$/i.test(word) && unitAt(tokens, at - 1) !== undefined
    if ((!leads && !lists) || unitAt(tokens, at + 1)) continue
    const places = readPlaces(tokens, at + 1)
    found.push(...places)
    at = (places.at(-1)?.next ?? at + 1) - 1
  }
  return found
}

/** A unit counts for the places before it that have none yet, and the last one for those after it. */
function unitsOf(tokens: readonly Token[], places: readonly Place[]): { place: Place; unit: Unit }[] {
  return places.map((place) => {
    let unit: Unit = 'celsius'
    for (let at = 0; at < tokens.length; at++) {
      const named = unitAt(tokens, at)
      if (named) unit = named
      if (named && at >= place.next) break
    }
    return { place, unit }
  })
}

function unitAt(tokens: readonly Token[], at: number): Unit | undefined {
  const word = tokens[at]?.text.toLowerCase() ?? ''
  const before = tokens[at - 1]?.text.toLowerCase() ?? ''
  if (word === 'fahrenheit' || /^\u00b0\s?f$/.test(word)) return 'fahrenheit'
  if (word === 'celsius' || word === 'centigrade' || /^\u00b0\s?c$/.test(word)) return 'celsius'
  if (!['in', 'degrees'].includes(before)) return undefined
  return word === 'f' ? 'fahrenheit' : word === 'c' ? 'celsius' : undefined
}
