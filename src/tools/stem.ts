/**
 * The stem of an English word in lower case, so that "calculating", "calculates" and "calculation" meet. The algorithm is
 * M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with the two departures of its author's own
 * implementation (`logi` → `log`, `bli` → `ble`). Words of other letters than a-z, of less than three, or longer than any that is in use, stay as they are.
 */
export function stem(word: string): string {
  if (word.length < 3 || word.length > LONGEST || !/^[a-z]+$/.test(word)) return word
  return finalE(residues(derivations(finalY(pastAndGerund(plural(word))))))
}

/** Beyond it are file contents and keys, and the time that a word takes grows with the square of its length. */
const LONGEST = 40

// Step 1a.
function plural(word: string): string {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2)
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word
}

// Step 1b.
function pastAndGerund(word: string): string {
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word
  const root = /^(.*)(?:ed|ing)$/.exec(word)?.[1]
  if (root === undefined || !hasVowel(root)) return word
  if (/(?:at|bl|iz)$/.test(root)) return `${root}e`
  if (/([^aeiouylsz])\1$/.test(root)) return root.slice(0, -1)
  return measure(root) === 1 && endsShort(root) ? `${root}e` : root
}

// Step 1c.
function finalY(word: string): string {
  return word.endsWith('y') && hasVowel(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word
}

// Steps 2 and 3: the longest ending that there is, where enough is left in front of it.
function derivations(word: string): string {
  return derivation(derivation(word, DOUBLE), SIMPLE)
}

const DOUBLE: readonly (readonly [ending: string, by: string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['logi', 'log'],
]

const SIMPLE: readonly (readonly [ending: string, by: string])[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
]

function derivation(word: string, endings: readonly (readonly [string, string])[]): string {
  const found = endings.find(([ending]) => word.endsWith(ending))
  if (!found) return word
  const root = word.slice(0, -found[0].length)
  return measure(root) > 0 ? root + found[1] : word
}

const RESIDUE =
  /^(.*?)(?:ement|ance|ence|able|ible|ment|ant|ent|ism|ate|iti|ous|ive|ize|al|er|ic|ou|(?<=[st])ion)$/

// Step 4.
function residues(word: string): string {
  const root = RESIDUE.exec(word)?.[1]
  return root !== undefined && measure(root) > 1 ? root : word
}

// Step 5.
function finalE(word: string): string {
  let result = word
  if (word.endsWith('e')) {
    const root = word.slice(0, -1)
    if (measure(root) > 1 || (measure(root) === 1 && !endsShort(root))) result = root
  }
  return result.endsWith('ll') && measure(result) > 1 ? result.slice(0, -1) : result
}

/** Vowels as `v`, consonants as `c`; y is a vowel after a consonant. */
function form(word: string): string {
  let form = ''
  for (const letter of word) {
    const vowel = letter === 'y' ? form.endsWith('c') : 'aeiou'.includes(letter)
    form += vowel ? 'v' : 'c'
  }
  return form
}

/** How often vowels are followed by consonants. */
function measure(word: string): number {
  return form(word).match(/v+c+/g)?.length ?? 0
}

function hasVowel(word: string): boolean {
  return form(word).includes('v')
}

/** Consonant, vowel, consonant, the last not w, x or y: "hop" gets its e back, "play" does not. */
function endsShort(word: string): boolean {
  return form(word).endsWith('cvc') && !/[wxy]$/.test(word)
}
