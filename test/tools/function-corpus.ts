import { readFileSync } from 'node:fs'
import { ToolDescription } from 'busline'
import * as z from 'zod'

const Row = z.object({
  id: z.string(),
  question: z.array(z.object({ role: z.string(), content: z.string() })),
  tools: z.array(ToolDescription),
  expected: z.array(z.object({ name: z.string() })).nullable(),
})

/** A question of `test/corpus/functions`, and the distinct functions that answer it. */
export interface Question {
  readonly id: string
  readonly text: string
  readonly expected: readonly string[]
}

export interface FunctionCorpus {
  /** All distinct functions by name; of several definitions of one name the first. */
  readonly tools: readonly ToolDescription[]
  readonly questions: readonly Question[]
}

/** Reads `test/corpus/functions/bfcl.jsonl`; see its README. Each question is one user message. */
export function readFunctionCorpus(): FunctionCorpus {
  const file = new URL('../corpus/functions/bfcl.jsonl', import.meta.url)
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const rows = lines.map((line) => Row.parse(JSON.parse(line)))
  const tools = new Map<string, ToolDescription>()
  for (const tool of rows.flatMap((row) => row.tools)) if (!tools.has(tool.name)) tools.set(tool.name, tool)
  const questions = rows.map(({ id, question, expected }) => ({
    id,
    text: question.map(({ content }) => content).join('\n'),
    expected: [...new Set((expected ?? []).map(({ name }) => name))],
  }))
  return { tools: [...tools.values()], questions }
}

/** Which tools a text finds, best first. */
export type Search = (text: string, limit: number) => readonly { name: string }[]

/**
 * Recall at `k` in percent: of each question the share of its expected functions that are among the first `k` found, then
 * the mean over the questions. Each question counts the same, however many functions it expects.
 */
export function recall(search: Search, questions: readonly Question[], k: number): number {
  const shares = questions.map(({ text, expected }) => {
    const found = new Set(search(text, k).map(({ name }) => name))
    return expected.filter((name) => found.has(name)).length / expected.length
  })
  return (100 * shares.reduce((sum, share) => sum + share, 0)) / shares.length
}
