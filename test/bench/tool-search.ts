import { toolIndex, type ToolDescription } from 'busline'
import { bm25Baseline } from '../tools/bm25-baseline.ts'
import { readFunctionCorpus, recall, type Search } from '../tools/function-corpus.ts'
import { quick, time } from './measure.ts'
import type { Case, Table } from './table.ts'

const BUILDS = quick ? 1 : 20

/**
 * Searches each of 1 000 questions in all 769 functions of `test/corpus/functions`. Recall at k in percent: the share of a
 * question's expected functions among the first k found, then the mean over the questions.
 */
export const tables: readonly Table[] = [
  {
    head: 'tool search, 769 tools, 1 000 questions',
    columns: ['recall@5', 'recall@10', 'build ms', 'search ms'],
    cases: {
      'BM25 over name and description': measured(bm25Baseline),
      busline: measured((tools) => {
        const index = toolIndex(tools)
        return (text, limit) => index.search(text, limit)
      }),
    },
  },
]

function measured(make: (tools: readonly ToolDescription[]) => Search): Case {
  return async () => {
    const { tools, questions } = readFunctionCorpus()
    const asked = quick ? questions.slice(0, 20) : questions
    const search = make(tools)
    return [
      recall(search, asked, 5),
      recall(search, asked, 10),
      await time(BUILDS, async () => void make(tools)),
      await time(asked.length, async (index) => void search(asked.at(index)?.text ?? '', 10)),
    ]
  }
}
