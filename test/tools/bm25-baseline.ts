import type { ToolDescription } from 'busline'
import type { Search } from './function-corpus.ts'

const K1 = 1.2
const B = 0.75

/**
 * What the search has to beat: BM25 over name and description as one text, of lower-case words of letters and digits
 * (`get_user.name` is three), without stems, stop words or weights.
 */
export function bm25Baseline(tools: readonly ToolDescription[]): Search {
  const documents = tools.map(({ name, description }) => words(`${name} ${description}`))
  const average = documents.reduce((sum, { length }) => sum + length, 0) / documents.length
  const counts = documents.map((document) => {
    const count = new Map<string, number>()
    for (const word of document) count.set(word, (count.get(word) ?? 0) + 1)
    return count
  })
  const spread = new Map<string, number>()
  for (const count of counts) for (const word of count.keys()) spread.set(word, (spread.get(word) ?? 0) + 1)

  return (text, limit) => {
    const query = [...new Set(words(text))]
    return tools
      .map(({ name }, index) => {
        const length = documents[index]?.length ?? 0
        const score = query.reduce((sum, word) => {
          const found = spread.get(word) ?? 0
          const often = counts[index]?.get(word) ?? 0
          const rarity = Math.log(1 + (tools.length - found + 0.5) / (found + 0.5))
          return sum + (rarity * often * (K1 + 1)) / (often + K1 * (1 - B + (B * length) / average))
        }, 0)
        return { name, score }
      })
      .filter(({ score }) => score > 0)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, limit)
  }
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
