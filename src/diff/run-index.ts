import type { JournalRecord } from '../bus/journal.ts'
import { ContinueTurn } from '../messages/chat.ts'
import { CallModel } from '../messages/model.ts'
import { AppendMessages } from '../messages/session.ts'
import * as z from 'zod'
import { RunFigures } from './run-figures.ts'
import { deltasOf, nameOf, printOf, toolResultsOf, type Joins, type RunNode } from './run-node.ts'

/** Where an id of a message or of a tool call comes from: what brought it, and which of that it is. */
export interface Origin {
  readonly node: RunNode
  readonly which: string
}

const Appended = z.looseObject({ messages: z.array(z.unknown()) })
const Identified = z.looseObject({ id: z.string() })
const Calling = z.looseObject({
  message: z.looseObject({
    tool_calls: z.array(z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string() }) })),
  }),
})

/** Notes of what time it was when somebody asked. */
const IS_TIMING = new Set(['bus.timeRead'])

const TOOL_RESULTS = `messages ${AppendMessages.type}`

/** The tree of a run by cause, without what its records hold. */
export class RunIndex {
  lines = 0
  /** The header's data; undefined when there is no header. */
  head: unknown
  readonly roots: RunNode[] = []
  /** In their order; undefined for headers and for notes of the time. */
  readonly byLine: (RunNode | undefined)[] = []
  readonly byId = new Map<string, RunNode>()
  /** By their ids, in the order in which they begin; of one that an earlier journal began, where it goes on. */
  readonly turns = new Map<string, RunNode>()
  /** In order of appearance. */
  readonly sessions = new Set<string>()
  /** Where messages of the history and tool calls come from, by id. */
  readonly origins = new Map<string, Origin>()
  readonly figures = new RunFigures()
  /** Keys, types, sessions and turns are few, and each record brings its own: each is kept once. */
  #texts = new Map<string, string>()
  /** What may go on, by parent (the run itself: undefined), then by kind of joining and type. */
  #open = new Map<RunNode | undefined, Map<string, RunNode>>()

  take(record: JournalRecord): void {
    this.lines++
    if (record.kind === 'header' && this.head === undefined) this.head = record.data ?? {}
    if (record.kind === 'header' || IS_TIMING.has(record.type)) {
      this.byLine.push(undefined)
      return
    }
    this.figures.take(record)
    if (record.session !== undefined) this.sessions.add(record.session)
    const parentId = record.of ?? record.cause
    const parent = parentId === undefined ? undefined : this.byId.get(parentId)
    const node = this.#place(record, parent)
    this.byLine.push(node)
    this.#remember(record, node)
  }

  #place(record: JournalRecord, parent: RunNode | undefined): RunNode {
    const joins = joinsOf(record, parent)
    const open = joins === undefined ? undefined : this.#open.get(parent)?.get(`${joins} ${record.type}`)
    const node = open ?? newNode(record, { joins, parent, once: (text) => this.#once(text) })
    node.last = this.lines
    if (!open) this.#add(node, parent)
    if (record.id !== undefined && !this.byId.has(record.id)) this.byId.set(record.id, node)
    if (isTurn(record) && !this.turns.has(record.turn)) this.turns.set(record.turn, node)
    if (joins === undefined) this.#close(record, parent)
    else if (!open) this.#keepOpen(node, parent)
    return node
  }

  #add(node: RunNode, parent: RunNode | undefined): void {
    if (!parent) this.roots.push(node)
    // A list of one takes room for one, while what is pushed to an empty one takes room for many.
    else if (parent.children === NO_CHILDREN) parent.children = [node]
    else parent.children.push(node)
  }

  #once<T extends string | undefined>(text: T): T | string {
    if (text === undefined) return text
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }

  #keepOpen(node: RunNode, parent: RunNode | undefined): void {
    const nodes = this.#open.get(parent) ?? new Map<string, RunNode>()
    nodes.set(`${node.joins} ${node.type}`, node)
    this.#open.set(parent, nodes)
  }

  /** What goes on after the end of a command, or with the next step of a turn, is no piece of what was before. */
  #close({ kind, type }: JournalRecord, parent: RunNode | undefined): void {
    if (kind === 'result' && parent) this.#open.delete(parent)
    if (kind !== 'command' || type !== CallModel.type) return
    const siblings = this.#open.get(parent)
    const results = siblings?.get(TOOL_RESULTS)
    if (results) this.#open.delete(results)
    siblings?.delete(TOOL_RESULTS)
  }

  #remember({ kind, type, id, of, data, output }: JournalRecord, node: RunNode): void {
    if (type === AppendMessages.type && kind === 'command') {
      const messages = Appended.safeParse(data).data?.messages ?? []
      for (const [place, message] of messages.entries()) {
        const own = Identified.safeParse(message).data?.id
        this.origins.set(own ?? `${id}/${place}`, { node, which: String(place) })
      }
    }
    if (type === CallModel.type && kind === 'result') {
      const caller = this.byId.get(of ?? '') ?? node
      const seen = new Map<string, number>()
      for (const call of Calling.safeParse(output).data?.message.tool_calls ?? []) {
        const count = (seen.get(call.function.name) ?? 0) + 1
        seen.set(call.function.name, count)
        this.origins.set(call.id, { node: caller, which: `${call.function.name} ${count}` })
      }
    }
  }
}

/** Of those that caused nothing, which are most; nothing is ever added to it. */
const NO_CHILDREN: RunNode[] = []

function isTurn(record: JournalRecord): record is JournalRecord & { turn: string } {
  const { kind, type, id, turn } = record
  return kind === 'command' && turn !== undefined && (turn === id || type === ContinueTurn.type)
}

/** A result of an append that may be one of several may be one of several too. */
function joinsOf(record: JournalRecord, parent: RunNode | undefined): Joins | undefined {
  if (deltasOf(record) !== undefined) return 'text'
  if (toolResultsOf(record) !== undefined) return 'messages'
  return record.kind === 'result' && parent?.joins === 'messages' ? 'last' : undefined
}

function newNode(
  record: JournalRecord,
  place: {
    joins: Joins | undefined
    parent: RunNode | undefined
    once: <T extends string | undefined>(text: T) => T | string
  },
): RunNode {
  const { joins, parent, once } = place
  const kind = once(record.kind)
  const type = once(record.type)
  const name = kind === 'result' ? parent?.name : once(nameOf(record))
  return {
    line: record.seq + 1,
    last: 0,
    kind,
    type,
    joins,
    key: once(`${kind} ${type}${name === undefined ? '' : ` ${name}`}`),
    print: joins !== undefined || kind === 'result' ? 0 : printOf(record),
    name,
    session: once(record.session),
    turn: once(record.turn),
    children: NO_CHILDREN,
    pair: undefined,
  }
}
