import { visibleLine, visibleText, type JournalRecord } from 'busline'
import * as z from 'zod'
import { dollars } from '../function-chat/dollars.ts'
import type { ShownCall, ShownTurn } from './turn-records.ts'

/** The line with which a run begins in the journal. */
export function describeRun({ time, data }: JournalRecord): string {
  const about = typeof data === 'object' && data !== null ? Object.entries(data) : []
  const words = about.map(([name, value]) => `${name} ${String(value)}`).join(', ')
  return `${visibleLine(`${new Date(time).toISOString()} ${words}`)}\n`
}

/** A turn for people: its head, what was asked, its calls, how it ended. */
export function describeTurn(turn: ShownTurn): string {
  const { session, reply, error, status } = turn
  const where = `${session === null ? '' : `  session ${session}`}  line ${turn.line}`
  return [
    '',
    visibleLine(`turn ${turn.turn}${where}  ${duration(turn.ms)}  ${status}`),
    turn.resumed ? '  goes on after a crash' : `  user  ${indented(turn.text)}`,
    ...turn.calls.map(describeCall),
    ...(reply === null && error ? [] : [`  reply ${reply === null ? '(none)' : indented(reply)}`]),
    ...(error ? [`  ${visibleLine(`${error.code}: ${error.message}`)}`] : []),
    ...spent(turn),
    '',
  ].join('\n')
}

function describeCall(call: ShownCall): string {
  const { id, type, name, error, finishReason } = call
  const args = type === 'tool.call' ? ` ${JSON.stringify(call.arguments)}` : ''
  const outcome = error ? `${error.code}: ${error.message}` : JSON.stringify(call.output)
  const end = call.ms === null ? '' : ` → ${outcome}${finishReason === null ? '' : ` (${finishReason})`}`
  const place = `[${id}, cause ${call.cause ?? 'none'}, line ${call.line}]`
  const what = visibleLine(`${name ?? ''}${args}${end}`, 300)
  return `    ${visibleLine(`${type}  ${duration(call.ms)}  ${call.status}`)}  ${what}  ${visibleLine(place)}`
}

const Usage = z.object({ inputTokens: z.number(), outputTokens: z.number() })

function spent({ usage, cost }: ShownTurn): string[] {
  const told = Usage.safeParse(usage).data
  if (!told) return []
  const price = cost === null ? '' : `, $${dollars(cost)}`
  return [`  spent ${told.inputTokens} tokens in, ${told.outputTokens} out${price}`]
}

function indented(text: string): string {
  return visibleText(text).replaceAll('\n', '\n        ')
}

function duration(ms: number | null): string {
  if (ms === null) return 'no end'
  return ms < 1000 ? `${Math.round(ms * 10) / 10} ms` : `${(ms / 1000).toFixed(2)} s`
}
