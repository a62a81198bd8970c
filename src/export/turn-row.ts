import { textOf } from '../messages/conversation.ts'
import type { Cell } from './csv-cell.ts'
import { timeCell } from './record-row.ts'
import type { ToldTurn } from './told-turn.ts'

/** The columns of the table `turns`. */
export const TURN_COLUMNS = [
  'turn',
  'session',
  'line',
  'started',
  'ms',
  'status',
  'steps',
  'tool_calls',
  'model',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cost_usd',
  'finish_reason',
  'user',
  'reply',
  'error_code',
  'error_message',
] as const

export function turnRow(turn: ToldTurn): Cell[] {
  const { usage, error, messages } = turn
  const said = messages.filter(({ role }) => role === 'user').map(textOf)
  const answer = messages.findLast(({ role }) => role === 'assistant')
  return [
    turn.turn,
    turn.session,
    turn.line,
    timeCell(turn.startedAt),
    turn.ms,
    turn.status,
    turn.steps,
    turn.calls.length,
    turn.model,
    usage?.inputTokens ?? null,
    usage?.outputTokens ?? null,
    usage?.totalTokens ?? null,
    turn.cost,
    turn.finishReason,
    said.join('\n') || turn.said,
    turn.heard || (answer ? textOf(answer) : null),
    error?.code ?? null,
    error?.message ?? null,
  ]
}
