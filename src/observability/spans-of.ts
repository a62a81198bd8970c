import type { JournalRecord } from '../bus/journal.ts'
import type { Span } from './span.ts'
import { SpanTrees } from './span-trees.ts'

/** Which records: those for which all that is given is equal. */
export interface SpanFilter {
  /** Id of the first message of a chain. */
  root?: string | undefined
  session?: string | undefined
  turn?: string | undefined
}

/**
 * Builds the trees of spans from the records of a journal alone: the spans without a parent, in the order in which they
 * began. A command's parent is the nearest command in its chain of causes; events and notes are points on it, those
 * outside of every command are left out. What a custom span's work executes stays a child of its command, because
 * records don't tell which of two things at once sent it. Holds what it selects in memory.
 */
export async function spansOf(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  filter: SpanFilter = {},
): Promise<Span[]> {
  const { root, session, turn } = filter
  const trees = new SpanTrees()
  for await (const record of records) {
    if (root !== undefined && record.root !== root) continue
    if (session !== undefined && record.session !== session) continue
    if (turn !== undefined && record.turn !== turn) continue
    trees.take(record)
  }
  return trees.roots()
}
