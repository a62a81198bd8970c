import type { JournalRecord } from '../bus/journal.ts'
import type { AlignedPair } from './align-runs.ts'
import { deltasOf, toolResultsOf, type Joins, type RunNode } from './run-node.ts'
import type { RunIndex } from './run-index.ts'

type Records = Iterable<JournalRecord> | AsyncIterable<JournalRecord>

/** A message as one record, of whatever it was put together. */
export interface WholeRecord {
  readonly record: JournalRecord
  /** On which line what is at a place begins: characters of a text, messages of a list. One line unless it was joined. */
  readonly starts: readonly { readonly line: number; readonly place: number }[]
}

/** A pair with what it says. */
export interface MatchedPair {
  readonly pair: AlignedPair
  readonly a: WholeRecord
  readonly b: WholeRecord
}

/**
 * Reads two aligned runs side by side and gives each pair when both of its sides have been read. What is held meanwhile is what
 * one run has earlier than the other.
 */
export async function* matchedRecords(
  pairs: readonly AlignedPair[],
  a: { index: RunIndex; records: Records },
  b: { index: RunIndex; records: Records },
): AsyncGenerator<MatchedPair> {
  const others = wholeNodes(b)
  const waiting = new Map<RunNode, WholeRecord>()
  try {
    for await (const [node, whole] of wholeNodes(a)) {
      const pair = node.pair === undefined ? undefined : pairs[node.pair]
      if (!pair) continue
      const partner = await until(pair.b, others, waiting)
      if (partner) yield { pair, a: whole, b: partner }
    }
  } finally {
    await others.return(undefined)
  }
}

async function until(
  wanted: RunNode,
  nodes: AsyncGenerator<WholeNode>,
  waiting: Map<RunNode, WholeRecord>,
): Promise<WholeRecord | undefined> {
  while (!waiting.has(wanted)) {
    const next = await nodes.next()
    if (next.done) return undefined
    const [node, whole] = next.value
    if (node.pair !== undefined) waiting.set(node, whole)
  }
  const found = waiting.get(wanted)
  waiting.delete(wanted)
  return found
}

type WholeNode = readonly [node: RunNode, whole: WholeRecord]

/** The nodes of a run that have a counterpart, each when its last record is read. */
async function* wholeNodes({
  index,
  records,
}: {
  index: RunIndex
  records: Records
}): AsyncGenerator<WholeNode> {
  const open = new Map<RunNode, JoinedRecords>()
  let place = 0
  for await (const record of records) {
    if (++place > index.lines) return
    const node = index.byLine[place - 1]
    const line = record.seq + 1
    if (node?.pair === undefined) continue
    if (node.joins === undefined) {
      yield [node, { record, starts: [{ line, place: 0 }] }]
      continue
    }
    const joined = open.get(node) ?? new JoinedRecords(node.joins)
    open.set(node, joined)
    joined.take(record, line)
    if (place < node.last) continue
    open.delete(node)
    yield [node, joined.whole(record)]
  }
}

/** Puts the pieces of a message together. */
class JoinedRecords {
  #joins: Joins
  #texts: string[] = []
  #messages: unknown[] = []
  #length = 0
  #starts: { line: number; place: number }[] = []
  #fields = {}

  constructor(joins: Joins) {
    this.#joins = joins
  }

  take(record: JournalRecord, line: number): void {
    this.#fields = { ...this.#fields, ...record }
    this.#starts.push({ line, place: this.#joins === 'messages' ? this.#messages.length : this.#length })
    for (const message of toolResultsOf(record) ?? []) this.#messages.push(message)
    for (const [, delta] of deltasOf(record) ?? []) {
      this.#texts.push(delta)
      this.#length += delta.length
    }
  }

  /** @param last what was taken last */
  whole(last: JournalRecord): WholeRecord {
    const all = { ...this.#fields, ...last }
    if (this.#joins === 'text') return this.#with({ ...all, data: { text: this.#texts.join('') } })
    return this.#with(
      this.#joins === 'last' ? all : { ...all, data: { ...dataOf(last), messages: this.#messages } },
    )
  }

  #with(record: JournalRecord): WholeRecord {
    return { record, starts: this.#starts }
  }
}

function dataOf({ data }: JournalRecord): object {
  return typeof data === 'object' && data !== null ? data : {}
}
