import { stem } from './stem.ts'

/**
 * Words that say nothing of what a tool does: English articles, pronouns, prepositions, auxiliaries and question words,
 * none of which names a thing or an action.
 */
const STOP_WORDS = new Set(
  `a an and are as at be been by can could do does for from had has have he how i if in into is it its me my no not of on
  or our please she so some such than that the their them then there these they this to up us was we were what when where
  which who will with would you your`.split(/\s+/),
)

/** Scripts that set no spaces between words: pairs of neighbouring characters stand for words there. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]+/gu

/**
 * The terms by which a text is searched: its words, identifiers taken apart (`getUserName`, `get_user-name`,
 * `user.getName`), accents and upper case removed, stop words left out; each as it is and as its stem with a star, so that
 * other forms of a word are found and the same form counts more. In order, repetitions kept. Text in scripts without spaces
 * (Chinese, Japanese, Thai) is searched by its pairs of characters.
 */
export function searchTerms(text: string): string[] {
  const apart = text
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(UNSPACED, (run) => ` ${pairsOf(run).join(' ')} `)
  const words = apart.toLowerCase().match(/\p{L}+|\p{N}+/gu) ?? []
  return words.filter((word) => !STOP_WORDS.has(word)).flatMap((word) => [word, `${stem(word)}*`])
}

function pairsOf(run: string): string[] {
  const characters = Array.from(run)
  const pairs = characters.slice(1).map((character, before) => `${characters[before] ?? ''}${character}`)
  return pairs.length > 0 ? pairs : characters
}
