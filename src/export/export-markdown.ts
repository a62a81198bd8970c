import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import type { ExportFilter, Records } from './export-options.ts'
import { code, escaped, fenced } from './markdown-text.ts'
import { jsonOf } from './plain-text.ts'
import type { ToldCall, ToldTurn } from './told-turn.ts'
import { turnsOf } from './turn-teller.ts'

const Header = z.looseObject({ run: z.string(), busline: z.string().optional(), node: z.string().optional() })

/**
 * A run as a conversation for people, in pieces of Markdown (CommonMark with HTML's `details`): turns in the order in which
 * they ended, each with what was said, its tool calls folded, what it took and how it ended. Text of records stands in fences
 * that it cannot end, and is escaped elsewhere. Holds the turns that run in memory.
 */
export async function* exportMarkdown(records: Records, filter: ExportFilter = {}): AsyncGenerator<string> {
  const begun: string[] = []
  let turns = 0
  let lines = 0
  const watched = (async function* () {
    for await (const record of records) {
      lines++
      // Of a run whose first segments were deleted, the first line is a later segment's header.
      const isHeader = record.kind === 'header' && (lines === 1 || !beginsLaterSegment(record))
      if (isHeader || record.type === 'bus.opened') begun.push(headOf(record))
      yield record
    }
  })()
  for await (const turn of turnsOf(watched, filter)) {
    yield `${begun.splice(0).join('')}\n${turnSection(turn, ++turns)}`
  }
  yield begun.join('')
  if (turns === 0) yield `\nNo turn in ${lines} ${lines === 1 ? 'line' : 'lines'}.\n`
}

function headOf({ time, type, data }: JournalRecord): string {
  const header = Header.safeParse(data).data
  const at = isoTime(time)
  if (type === 'bus.opened' || !header) return `\nGoes on at ${at}.\n`
  const versions = [header.busline && `Busline ${header.busline}`, header.node && `Node ${header.node}`]
  const about = [`began ${at}`, ...versions.filter((version) => version !== undefined)]
    .map(escaped)
    .join(', ')
  return `# Run ${code(header.run)}\n\n${about}\n`
}

function turnSection(turn: ToldTurn, number: number): string {
  const { session, status, error, usage, cost, model, resumed } = turn
  const where = session === null ? '' : ` · session ${code(session)}`
  const spent = [
    model === null ? undefined : code(model),
    `${turn.steps} model ${turn.steps === 1 ? 'call' : 'calls'}`,
    usage && `${usage.inputTokens} tokens in, ${usage.outputTokens} out`,
    cost === null ? undefined : `$${Number(cost.toPrecision(4))}`,
    turn.finishReason === null ? undefined : `ended with ${code(turn.finishReason)}`,
  ]
  const said = turn.messages.some(({ role }) => role === 'user') || resumed ? [] : [block('User', turn.said)]
  return [
    `## Turn ${number}${where} · ${escaped(status)} · ${duration(turn.ms)}\n`,
    `${code(turn.turn)}, line ${turn.line}, ${isoTime(turn.startedAt)}${resumed ? ', goes on after a crash' : ''}\n`,
    ...said,
    ...turn.messages.flatMap((message) => messageBlocks(message, turn)),
    ...(turn.heard === '' ? [] : [block('Assistant (broken off)', turn.heard)]),
    // As code, because many readers make links of addresses that stand in a text.
    ...turn.news.map((news) => `> ${code(news)}\n`),
    ...(error ? [`> **${escaped(error.code)}** ${error.message === '' ? '' : code(error.message)}\n`] : []),
    `${spent.filter((one) => typeof one === 'string').join(' · ')}\n`,
  ].join('\n')
}

const ROLES: Readonly<Record<string, string>> = { user: 'User', assistant: 'Assistant', system: 'System' }

/** A tool's message stands in the call that it answers. */
function messageBlocks(message: ConversationMessage, turn: ToldTurn): string[] {
  if (message.role === 'tool' && turn.calls.some(({ call }) => call === message.tool_call_id)) return []
  const shown = shownContent(message)
  const reasoning: unknown = message['reasoning'] ?? message['reasoning_content']
  const name = `${ROLES[message.role] ?? message.role}${message.meta?.partial === true ? ' (broken off)' : ''}`
  return [
    ...(typeof reasoning === 'string' && reasoning !== '' ? [details('Reasoning', fenced(reasoning))] : []),
    ...(shown === '' ? [] : [block(name, shown)]),
    ...(message.tool_calls ?? []).map((called) => {
      const ran = turn.calls.find(({ call }) => call === called.id)
      return ran ? callDetails(ran) : plannedDetails(called.function.name, called.function.arguments)
    }),
  ]
}

/** Parts that are no text are named, not shown: an image may have megabytes. */
function shownContent(message: ConversationMessage): string {
  const { content } = message
  if (!Array.isArray(content)) return textOf(message)
  return content
    .map((part) =>
      part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : `[${part.type}]`,
    )
    .join('\n')
}

function callDetails({ name, status, ms, line, arguments: args, output, error }: ToldCall): string {
  const outcome = error ? fenced(`${error.code}: ${error.message}`) : jsonBlock(output)
  const end = status === 'interrupted' ? 'No result.\n' : `Result\n\n${outcome}`
  const summary = `Tool ${name} · ${status} · ${duration(ms)} · line ${line}`
  return details(summary, `Arguments\n\n${jsonBlock(args)}\n${end}`)
}

/** A call that never ran: the model named a tool that there is not, or was stopped before. */
function plannedDetails(name: string, args: string): string {
  return details(`Tool ${name} · not run`, `Arguments\n\n${fenced(args)}`)
}

function details(summary: string, body: string): string {
  return `<details><summary>${escaped(summary)}</summary>\n\n${body}\n</details>\n`
}

function block(title: string, text: string): string {
  return `**${escaped(title)}**\n\n${fenced(text)}`
}

function jsonBlock(value: unknown): string {
  return typeof value === 'string' ? fenced(value) : fenced(jsonOf(value, 2), 'json')
}

function duration(ms: number | null): string {
  if (ms === null) return 'no end'
  return ms < 1000 ? `${Math.round(ms * 10) / 10} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** A damaged file may hold times that are none. */
function isoTime(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? `time ${time}` : date.toISOString()
}
