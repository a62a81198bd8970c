import { BuslineError } from '../messages/busline-error.ts'

/** A model reads this many names; the close ones come before. */
const MOST_KNOWN = 20
const MOST_CLOSE = 5
const LONGEST = 100

/**
 * Says that there is no such tool, with the names that are close to it, then others, so that a model can mend its call.
 * `data` is `{ name, close, known }`; however many tools there are, it and the text stay short.
 */
export function unknownTool(name: string, known: readonly string[], searchable = false): BuslineError {
  const close = closeNames(name, known)
  const listed = known.slice(0, MOST_KNOWN)
  const guess = close.length > 0 ? ` Did you mean ${close.join(' or ')}?` : ''
  const more = known.length > listed.length ? ` and ${known.length - listed.length} more` : ''
  const rest = listed.length > 0 ? ` The tools are: ${listed.join(', ')}${more}.` : ' There are no tools.'
  const search = searchable && more ? ' Search them with find_tools.' : ''
  const shown = JSON.stringify(name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name)
  return new BuslineError('UNKNOWN_TOOL', `There is no tool named ${shown}.${guess}${rest}${search}`, {
    data: { name: name.slice(0, LONGEST), close, known: listed },
  })
}

/**
 * The names that are close to one, closest first: those that differ in case and punctuation only, that lack a prefix such as
 * `functions.`, or that are at most a third of their letters away.
 */
export function closeNames(name: string, known: readonly string[]): string[] {
  const wanted = plain(name.slice(0, 256))
  if (wanted === '') return []
  return known
    .flatMap((candidate) => {
      const letters = plain(candidate)
      const most = Math.floor(Math.max(wanted.length, letters.length) / 3)
      if (letters === '' || Math.abs(letters.length - wanted.length) > most) {
        const within = letters.length >= 4 && wanted.endsWith(letters)
        return within ? [{ candidate, distance: 0.5 }] : []
      }
      const distance = levenshtein(wanted, letters)
      return distance <= most ? [{ candidate, distance }] : []
    })
    .sort((one, other) => one.distance - other.distance)
    .slice(0, MOST_CLOSE)
    .map(({ candidate }) => candidate)
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** How many letters have to be added, removed or replaced (Wagner and Fischer, 1974). */
function levenshtein(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (before[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    before = row
  }
  return before[to.length] ?? 0
}
