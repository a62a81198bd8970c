import { fieldOf, stringIn } from './excerpt.ts'

/** What a model answered, and what it took. */
export interface Answer {
  text: unknown
  /** The names of the tools that it calls. */
  calls: string[]
  finishReason: string | null
  usage: object | null
  model: string | null
  cost: number | null
}

/** What a turn came to. */
export interface TurnEnd {
  reply: string
  finishReason: string | null
  usage: object | null
  cost: number | null
}

/** The output of a `model.call`; undefined for anything of another shape. */
export function answerOf(output: unknown): Answer | undefined {
  const message = fieldOf(output, 'message')
  const calls = callsOf(fieldOf(message, 'tool_calls'))
  const spent = spentOf(output)
  const model = fieldOf(output, 'model')
  if (stringIn(message, 'role') === undefined || !calls || !spent || !isText(model)) return undefined
  return { text: fieldOf(message, 'content') ?? null, calls, ...spent, model }
}

/** The output of a turn; undefined for anything of another shape. */
export function turnEndOf(output: unknown): TurnEnd | undefined {
  const reply = stringIn(output, 'reply')
  const spent = spentOf(output)
  return reply === undefined || !spent ? undefined : { reply, ...spent }
}

/** The text of a batch of deltas; undefined for anything of another shape. */
export function deltasText(data: unknown): string | undefined {
  const deltas = fieldOf(data, 'deltas')
  if (!Array.isArray(deltas)) return undefined
  let text = ''
  for (const delta of deltas) {
    const piece: unknown = Array.isArray(delta) ? delta[1] : undefined
    if (typeof piece !== 'string') return undefined
    text += piece
  }
  return text
}

/** Tokens of a usage; undefined where it does not tell them. */
export function tokensOf(usage: unknown): { input: number; output: number } | undefined {
  const input = fieldOf(usage, 'inputTokens')
  const output = fieldOf(usage, 'outputTokens')
  return typeof input === 'number' && typeof output === 'number' ? { input, output } : undefined
}

function spentOf(output: unknown): Pick<TurnEnd, 'finishReason' | 'usage' | 'cost'> | undefined {
  const finishReason = fieldOf(output, 'finishReason')
  const usage = fieldOf(output, 'usage')
  const cost = fieldOf(output, 'cost') ?? null
  if (!isText(finishReason) || (cost !== null && typeof cost !== 'number')) return undefined
  if (typeof usage !== 'object' || (usage !== null && !tokensOf(usage))) return undefined
  return { finishReason, usage, cost }
}

function callsOf(calls: unknown = []): string[] | undefined {
  if (!Array.isArray(calls)) return undefined
  const names = calls.flatMap((call) => stringIn(fieldOf(call, 'function'), 'name') ?? [])
  return names.length === calls.length ? names : undefined
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
