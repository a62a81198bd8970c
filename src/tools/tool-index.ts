import type { ToolDescription } from '../messages/tool.ts'
import { searchTerms } from './search-terms.ts'

export interface FoundTool {
  name: string
  /** Higher is better; comparable within one search only. */
  score: number
}

export interface ToolIndex {
  /**
   * The tools that have to do with `query`, best first, at most `limit`; of equal ones the one that was given first. A
   * tool that shares no word with the query is not among them.
   */
  search(query: string, limit: number): FoundTool[]
}

/**
 * How much a word counts by where it stands. Tuned on every second question of `test/corpus/functions`, tested on the
 * others; see `test/tools/tool-search.test.ts` for what it finds.
 */
const WEIGHTS = { name: 1.5, description: 1, parameters: 0.5 }

/** How soon more of the same word adds nothing, and how much a long text weighs less: the usual values of BM25. */
const K1 = 1.2
const B = 0.75

type Field = keyof typeof WEIGHTS
type Terms = Readonly<Record<Field, readonly string[]>>

/**
 * An index of tools for search by what they do, offline: BM25F (Robertson, Zaragoza, Taylor: "Simple BM25 extension to
 * multiple weighted fields", CIKM 2004) over name, description and parameters, by words and their English stems.
 */
export function toolIndex(tools: readonly ToolDescription[]): ToolIndex {
  const names = tools.map((tool) => tool.name)
  const postings = postingsOf(tools.map(termsOf))

  return {
    search(query, limit) {
      const scores = new Map<number, number>()
      for (const term of new Set(searchTerms(query))) {
        const found = postings.get(term)
        if (!found) continue
        const rarity = Math.log(1 + (tools.length - found.size + 0.5) / (found.size + 0.5))
        for (const [tool, weight] of found)
          scores.set(tool, (scores.get(tool) ?? 0) + (rarity * weight * (K1 + 1)) / (weight + K1))
      }
      return [...scores]
        .toSorted(([a, scoreOfA], [b, scoreOfB]) => scoreOfB - scoreOfA || a - b)
        .slice(0, Math.max(limit, 0))
        .map(([tool, score]) => ({ name: names[tool] ?? '', score }))
    },
  }
}

/** By term, in which tools it stands, by their numbers, and how much of it there is, weighted and by length. */
function postingsOf(documents: readonly Terms[]): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const postings = new Map<string, Map<number, number>>()
  for (const field of fields()) {
    const total = documents.reduce((sum, terms) => sum + terms[field].length, 0)
    const average = total / documents.length || 1
    for (const [tool, terms] of documents.entries()) {
      const weight = WEIGHTS[field] / (1 - B + (B * terms[field].length) / average)
      for (const term of terms[field]) {
        const found = postings.get(term) ?? new Map<number, number>()
        postings.set(term, found.set(tool, (found.get(tool) ?? 0) + weight))
      }
    }
  }
  return postings
}

function fields(): Field[] {
  return ['name', 'description', 'parameters']
}

function termsOf({ name, description, parameters }: ToolDescription): Terms {
  return {
    name: searchTerms(name),
    description: searchTerms(description),
    parameters: searchTerms(parameterTexts(parameters).join(' ')),
  }
}

/** Name and description of each property, those of inner objects, arrays and alternatives too; each schema once. */
function parameterTexts(root: unknown): string[] {
  const texts: string[] = []
  // A set goes on to what is added while it is walked.
  const schemas = new Set([root])
  for (const schema of schemas) {
    if (!isRecord(schema)) continue
    if (isRecord(schema['properties']))
      for (const [name, property] of Object.entries(schema['properties'])) {
        schemas.add(property)
        texts.push(name)
        if (isRecord(property) && typeof property['description'] === 'string')
          texts.push(property['description'])
      }
    for (const place of ['items', 'additionalProperties', 'anyOf', 'oneOf', 'allOf']) {
      const inner = schema[place]
      for (const one of Array.isArray(inner) ? inner : [inner]) schemas.add(one)
    }
  }
  return texts
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
