import type { ConversationMessage } from '../messages/conversation.ts'
import type { Profile } from './profile.ts'

/**
 * The messages in an order that the profile's server takes, `instruction` added to the system prompt. What has to change is
 * a new message, everything else the one that it was, so that what is remembered of a settled message stays of use.
 */
export function wireHistory(
  messages: readonly ConversationMessage[],
  profile: Profile,
  instruction?: string,
): readonly ConversationMessage[] {
  const ordered = isInOrder(messages, profile) ? messages : inOrder(messages, profile)
  return instruction === undefined ? ordered : instructed(ordered, instruction)
}

/** Which messages' reasoning goes back: by their place. */
export function keepsReasoning(
  messages: readonly ConversationMessage[],
  echo: Profile['reasoning']['echo'],
): (place: number) => boolean {
  if (echo === 'never') return () => false
  if (echo === 'always') return () => true
  const start = messages.findLastIndex(({ role }) => role === 'user')
  if (echo === 'toolLoop') return (place) => place > start
  const kept = new Set<number>()
  let turn: number[] = []
  let calls = false
  for (const [place, { role, tool_calls }] of messages.entries()) {
    if (role === 'user') {
      turn = []
      calls = false
    }
    turn.push(place)
    calls ||= tool_calls !== undefined && tool_calls.length > 0
    if (calls) for (const one of turn.splice(0)) kept.add(one)
  }
  return (place) => kept.has(place)
}

function isInOrder(messages: readonly ConversationMessage[], profile: Profile): boolean {
  const { systemAnywhere, adjacentUsers, userAfterTool } = profile
  if (systemAnywhere && adjacentUsers && userAfterTool) return true
  let before: ConversationMessage | undefined
  for (const message of messages) {
    if (!systemAnywhere && isSystem(message) && before) return false
    if (message.role === 'user' && before) {
      if (!adjacentUsers && before.role === 'user') return false
      if (!userAfterTool && before.role === 'tool') return false
    }
    before = message
  }
  return true
}

function inOrder(messages: readonly ConversationMessage[], profile: Profile): ConversationMessage[] {
  const ordered: ConversationMessage[] = []
  const systems = profile.systemAnywhere ? [] : messages.filter(isSystem)
  const [first, ...later] = systems
  if (first) ordered.push(later.reduce(joined, first))
  for (const message of messages) {
    if (!profile.systemAnywhere && isSystem(message)) continue
    const before = ordered.at(-1)
    if (message.role !== 'user' || !before) ordered.push(message)
    else if (before.role === 'user' && !profile.adjacentUsers) ordered.splice(-1, 1, joined(before, message))
    else if (before.role === 'tool' && !profile.userAfterTool)
      ordered.push({ role: 'assistant', content: '…' }, message)
    else ordered.push(message)
  }
  return ordered
}

function instructed(messages: readonly ConversationMessage[], instruction: string): ConversationMessage[] {
  const [first, ...rest] = messages
  const told: ConversationMessage = { role: 'system', content: instruction }
  if (!first || !isSystem(first)) return [told, ...messages]
  return [joined(first, told), ...rest]
}

function isSystem({ role }: ConversationMessage): boolean {
  return role === 'system' || role === 'developer'
}

/** Two messages of a role as one: their texts as paragraphs, or their parts one after another. */
function joined(one: ConversationMessage, other: ConversationMessage): ConversationMessage {
  const { content: first } = one
  const { content: second } = other
  if (typeof first === 'string' && typeof second === 'string')
    return { ...one, content: `${first}\n\n${second}` }
  return { ...one, content: [...partsOf(first), ...partsOf(second)] }
}

function partsOf(content: ConversationMessage['content']): { type: string; [field: string]: unknown }[] {
  if (Array.isArray(content)) return content
  return content ? [{ type: 'text', text: content }] : []
}
