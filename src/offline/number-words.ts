const SMALL = new Map(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen ' +
    'seventeen eighteen nineteen'
  )
    .split(' ')
    .map((word, value) => [word, value]),
)

const TENS = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'
    .split(' ')
    .map((word, place) => [word, (place + 2) * 10]),
)

const SCALES = new Map([
  ['hundred', 100],
  ['thousand', 1_000],
  ['million', 1_000_000],
  ['billion', 1_000_000_000],
])

/** A pattern for `twenty-one` and its like, to be read as one word. */
export const HYPHENATED = `(?:${[...TENS.keys()].join('|')})-(?:${[...SMALL.keys()].slice(1, 10).join('|')})`

/** What a word multiplies the number before it with: 1 000 for `thousand`, undefined for other words. */
export function scaleOf(word: string | undefined): number | undefined {
  return word === undefined ? undefined : SCALES.get(word)
}

/**
 * Reads the number that `words` begins with, `one hundred and five` as 105, `two point five` as 2.5; `count` is
 * how many words it took. Undefined when they begin with something else.
 */
export function readNumberWords(
  words: readonly string[],
): { readonly value: number; readonly count: number } | undefined {
  let total = 0
  let group = 0
  let count = 0
  let last: 'none' | 'unit' | 'tens' | 'hundred' | 'scale' = 'none'

  for (;;) {
    const at = count + (joins(words, count, last) ? 1 : 0)
    const word = words[at] ?? ''
    const scale = SCALES.get(word)
    const value = belowHundred(word)

    if (scale === 100) {
      if (last !== 'unit' && !(last === 'none' && at > count)) break
      group = (group || 1) * 100
      last = 'hundred'
    } else if (scale !== undefined) {
      if (last === 'scale' || (last === 'none' && at === count)) break
      total += (group || 1) * scale
      group = 0
      last = 'scale'
    } else {
      if (value === undefined || last === 'unit') break
      if (last === 'tens' && (value === 0 || value > 9)) break
      group += value
      last = value >= 20 && value % 10 === 0 ? 'tens' : 'unit'
    }
    count = at + 1
  }

  return count === 0 ? undefined : withDecimals(words, total + group, count)
}

/** "a hundred" and "one hundred and five" are one number each; "five and six" are two. */
function joins(words: readonly string[], at: number, last: string): boolean {
  const next = words[at + 1] ?? ''
  if (words[at] === 'a') return last === 'none' && SCALES.has(next)
  return words[at] === 'and' && (last === 'hundred' || last === 'scale') && belowHundred(next) !== undefined
}

function belowHundred(word: string): number | undefined {
  const [tens = '', unit = ''] = word.split('-')
  const high = TENS.get(tens)
  if (high === undefined) return SMALL.get(word)
  return unit ? high + (SMALL.get(unit) ?? 0) : high
}

function withDecimals(words: readonly string[], whole: number, count: number) {
  if (words[count] !== 'point') return { value: whole, count }
  let digits = ''
  let at = count + 1
  for (; at < words.length; at++) {
    const digit = SMALL.get(words[at] ?? '')
    if (digit === undefined || digit > 9) break
    digits += String(digit)
  }
  return digits ? { value: Number(`${whole}.${digits}`), count: at } : { value: whole, count }
}
