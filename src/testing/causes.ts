import type { Envelope } from '../bus/envelope.ts'
import type { JournalRecord } from '../bus/journal.ts'

/** A message with what it caused. */
export interface Cause {
  readonly type: string
  readonly children: readonly Cause[]
}

/** What of a message, or of its record, tells where it stands. */
type Placed = Pick<Envelope, 'kind' | 'type' | 'id' | 'cause'> | JournalRecord

/**
 * What was caused by what: of the messages that `bus.track` returns, or of a journal's records (of which only commands and
 * events count). Each list is in the order of acceptance; a message whose cause is not among them is a root.
 */
export function causes(messages: readonly Placed[]): Cause[] {
  const nodes = new Map<string, { type: string; children: Cause[] }>()
  const roots: Cause[] = []
  for (const { kind, type, id, cause } of messages) {
    if (id === undefined || (kind !== 'command' && kind !== 'event')) continue
    const node = { type, children: [] }
    nodes.set(id, node)
    const parent = cause === undefined ? undefined : nodes.get(cause)
    if (parent) parent.children.push(node)
    else roots.push(node)
  }
  return roots
}

/** The same of messages that have one root, as those of one tracked call do; a RangeError if there are more or none. */
export function tree(messages: readonly Placed[]): Cause {
  const roots = causes(messages)
  const [root] = roots
  if (root && roots.length === 1) return root
  const types = roots.map(({ type }) => type).join(', ')
  throw new RangeError(`A tree has one root, here are ${roots.length}${types && `: ${types}`}. See causes().`)
}

/** What happened, in order, as `kind type`: of messages, or of a journal after its header. */
export function story(
  told: readonly { kind: string; type: string }[] | { readonly records: readonly JournalRecord[] },
): string[] {
  const messages = 'records' in told ? told.records : told
  return messages.filter(({ kind }) => kind !== 'header').map(({ kind, type }) => `${kind} ${type}`)
}
