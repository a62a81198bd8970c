import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { ToolDescription } from '../messages/tool.ts'
import type { ExportFilter, Records } from './export-options.ts'
import { plainJson } from './plain-text.ts'
import { SessionHistories, type SessionHistory } from './session-histories.ts'
import { isTrained, trainingTurn, type TrainingMessage } from './training-messages.ts'

export interface ExportOpenaiOptions extends ExportFilter {
  /** What a line holds: a whole session (default), or one turn behind those before it, which are not trained again. */
  per?: 'session' | 'turn' | undefined
  /** Which answers are trained: all (default), or the last of each line alone (`weight` 0 for the others). */
  weights?: 'all' | 'last' | undefined
  /** Also turns that failed or were cancelled, where their messages can stand in a training file (default false). */
  failed?: boolean | undefined
  /** What models are told of tools: the journal holds their names only. */
  tools?: readonly ToolDescription[] | undefined
  /** Told of each turn that is left out, and why. */
  onLeftOut?: ((left: { session: string; turn: string | null; why: string }) => void) | undefined
  /** Told of each tool that was offered and is not among `tools`, once: no line says what it takes. */
  onToolUnknown?: ((name: string) => void) | undefined
}

const Options = z.looseObject({
  per: z.enum(['session', 'turn']).default('session'),
  weights: z.enum(['all', 'last']).default('all'),
  tools: z.array(z.looseObject(ToolDescription.shape)).default([]),
})

/** The messages of a turn, or one that is of none. */
interface Group {
  readonly turn: string | undefined
  readonly messages: ConversationMessage[]
}

/**
 * The conversations of a run as a training file for supervised fine-tuning, a line each: `{ messages, tools?,
 * parallel_tool_calls? }` in the chat format (`FineTuneChatRequestInput` of https://github.com/openai/openai-openapi). Ids, `meta` and
 * reasoning are taken off, the system prompt stands first. Only turns that ended well and whose calls all have their results; what was
 * archived by a summary is in, the summary is not. Holds the conversations of the run in memory.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function exportOpenai(records: Records, options: ExportOpenaiOptions = {}): AsyncGenerator<string> {
  const checked = Options.safeParse(options)
  if (checked.success) return lines(records, { ...options, ...checked.data })
  const [issue] = checked.error.issues
  const option = String(issue?.path[0])
  throw new BuslineError('INVALID_OPTION', `exportOpenai.${issue?.path.join('.')}: ${issue?.message}.`, {
    data: { option },
  })
}

type Settled = ExportOpenaiOptions & z.output<typeof Options>

async function* lines(records: Records, options: Settled): AsyncGenerator<string> {
  const histories = new SessionHistories()
  for await (const record of records) histories.take(record)
  const told = new Set<string>()
  for (const session of histories.sessions.values()) {
    if (options.session !== undefined && session.id !== options.session) continue
    for (const line of linesOf(session, options, told)) yield `${plainJson(line)}\n`
  }
}

function* linesOf(session: SessionHistory, options: Settled, told: Set<string>): Generator<object> {
  const isByTurn = options.per === 'turn' || options.turn !== undefined
  const before: TrainingMessage[] = []
  let turns: (string | undefined)[] = []
  for (const { turn, messages } of groupsOf(session)) {
    const taken = takenTurn({ turn, messages }, session, options)
    if (!taken) continue
    turns.push(turn)
    const isAsked = options.turn === undefined || options.turn === turn
    if (isByTurn && isAsked) yield* lineOf({ session, turns: [turn], before, messages: taken, options, told })
    for (const message of taken) before.push(message)
  }
  if (!isByTurn && turns.length > 0)
    yield* lineOf({ session, turns, before: [], messages: before, options, told })
}

/** Messages of one turn stand together, where the turn began. */
function groupsOf({ messages }: SessionHistory): Group[] {
  const groups: Group[] = []
  const byTurn = new Map<string, Group>()
  for (const message of messages) {
    const { turn, meta } = message
    if (meta?.kind === 'summary') continue
    const last = groups.at(-1)
    const known = turn === undefined ? (last?.turn === undefined ? last : undefined) : byTurn.get(turn)
    const group = known ?? { turn, messages: [] }
    if (!known) groups.push(group)
    if (!known && turn !== undefined) byTurn.set(turn, group)
    group.messages.push(message)
  }
  return groups
}

function takenTurn(
  { turn, messages }: Group,
  { id, ends }: SessionHistory,
  { failed = false, onLeftOut }: Settled,
): TrainingMessage[] | undefined {
  const end = turn === undefined ? undefined : ends.get(turn)
  const training = trainingTurn(messages)
  const isWell = end === undefined || end === 'ok' || failed
  if (isWell && training.ok) return training.messages
  const why = isWell && !training.ok ? training.why : `it ended with ${end}`
  onLeftOut?.({ session: id, turn: turn ?? null, why })
  return undefined
}

function* lineOf(line: {
  session: SessionHistory
  turns: readonly (string | undefined)[]
  before: readonly TrainingMessage[]
  messages: readonly TrainingMessage[]
  options: Settled
  told: Set<string>
}): Generator<object> {
  const { session, turns, before, messages, options, told } = line
  const { systemPrompt } = session
  const last = messages.findLastIndex(isTrained)
  if (last === -1) {
    const [turn, other] = turns
    const alone = other === undefined ? (turn ?? null) : null
    options.onLeftOut?.({ session: session.id, turn: alone, why: 'every answer in it broke off' })
    return
  }
  const ids = turns.filter((turn) => turn !== undefined)
  const names = new Set(ids.flatMap((turn) => [...(session.tools.get(turn) ?? [])]))
  const tools = [...names].flatMap((name) => {
    const tool = options.tools.find((one) => one.name === name)
    if (!tool && !told.has(name)) options.onToolUnknown?.(told.add(name) && name)
    return tool
      ? [{ type: 'function', function: { name, description: tool.description, parameters: tool.parameters } }]
      : []
  })
  const parallel = ids.map((turn) => session.parallel.get(turn)).findLast((told) => told !== undefined)
  yield {
    messages: [
      ...(systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }]),
      ...before.map((message) => weighed(message, true)),
      ...messages.map((message, place) => weighed(message, options.weights === 'last' && place !== last)),
    ],
    ...(tools.length > 0 && { tools }),
    ...(tools.length > 0 && parallel !== undefined && { parallel_tool_calls: parallel }),
  }
}

function weighed(message: TrainingMessage, isUntrained: boolean): TrainingMessage {
  return isUntrained && message.role === 'assistant' ? { ...message, weight: 0 } : message
}
