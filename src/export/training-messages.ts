import * as z from 'zod'
import type { ConversationMessage } from '../messages/conversation.ts'

/** A message as fine-tuning takes it. */
export type TrainingMessage = Record<string, unknown> & { role: string }

/** The messages of a turn in the form that fine-tuning takes, or why it would refuse them. */
export type TrainingTurn = { ok: true; messages: TrainingMessage[] } | { ok: false; why: string }

const TextParts = z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))
const ShownParts = z.array(z.looseObject({ type: z.enum(['text', 'image_url']) }))

/**
 * Takes everything of ours off the messages of a turn, and checks that they can stand in a training file: each call has its
 * result right behind it, arguments are JSON, content is text or (of users) images, and an answer in words ends it.
 */
export function trainingTurn(messages: readonly ConversationMessage[]): TrainingTurn {
  const taken: TrainingMessage[] = []
  let open = new Set<string>()
  for (const message of messages) {
    const why = faultIn(message, open)
    if (why !== undefined) return { ok: false, why }
    if (message.role === 'tool') open.delete(message.tool_call_id ?? '')
    else open = new Set(message.tool_calls?.map(({ id }) => id))
    taken.push(trainingMessage(message))
  }
  const last = messages.at(-1)
  if (open.size > 0) return { ok: false, why: `no result of ${[...open].join(', ')}` }
  if (last?.role !== 'assistant' || !hasContent(last))
    return { ok: false, why: 'no answer in words at its end' }
  return { ok: true, messages: taken }
}

function faultIn(message: ConversationMessage, open: ReadonlySet<string>): string | undefined {
  const { role, content, tool_call_id: call = '', tool_calls: calls = [] } = message
  if (role === 'tool' && !open.has(call)) return `a result of ${call || 'no call'} that was not asked for`
  if (role !== 'tool' && open.size > 0) return `no result of ${[...open].join(', ')}`
  const broken = calls.find((one) => !isJson(one.function.arguments))
  if (broken) return `arguments of ${broken.id} that are no JSON`
  if (role === 'assistant' && calls.length === 0 && !hasContent(message)) return 'an empty answer'
  const takes = role === 'user' ? ShownParts : TextParts
  if (Array.isArray(content) && !takes.safeParse(content).success)
    return `content of a ${role} message that is no text`
  return undefined
}

function trainingMessage(message: ConversationMessage): TrainingMessage {
  const { role, content, tool_calls: calls = [], tool_call_id: call, meta } = message
  const { name, refusal } = message
  return {
    // There is no developer message in a training file; servers that know it take it for the same.
    role: role === 'developer' ? 'system' : role,
    ...((content ?? null) !== null && { content }),
    ...(typeof name === 'string' && role !== 'tool' && { name }),
    ...(typeof refusal === 'string' && role === 'assistant' && { refusal }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, function: called }) => ({
        id,
        type: 'function',
        function: { name: called.name, arguments: called.arguments },
      })),
    }),
    ...(call !== undefined && { tool_call_id: call }),
    // Nobody wants a model that learns to break off.
    ...(role === 'assistant' && meta?.partial === true && { weight: 0 }),
  }
}

/** Whether a model learns to give this message. */
export function isTrained({ role, weight }: TrainingMessage): boolean {
  return role === 'assistant' && weight !== 0
}

function hasContent({ content }: ConversationMessage): boolean {
  return typeof content === 'string' ? content !== '' : (content ?? []).length > 0
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
