import { followUp } from './follow-up.ts'
import type { ToolResult } from './phrase-results.ts'
import { plainText, rawText } from './plain-text.ts'
import type { ChatMessage } from './protocol.ts'
import { smallTalk } from './small-talk.ts'
import { understand, type Wish } from './understand.ts'

/** The turn that a request stands in: its user's text and what the tools have answered since. */
export interface CurrentTurn {
  readonly text: string
  readonly wishes: readonly Wish[]
  /** How many answers with tool calls came after the user's message. */
  readonly rounds: number
  readonly results: readonly ToolResult[]
}

const LOOK_BACK = 6

/** Reads a conversation from its last user message on; earlier ones only as far as a follow-up needs them. */
export function readTurn(messages: readonly ChatMessage[]): CurrentTurn {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  const after = messages.slice(at + 1)
  const wishes = wishesAt(messages, at).map((wish) => withReply(wish, messages, at))
  return {
    text: plainText(messages[at]?.content),
    wishes,
    rounds: after.filter(({ tool_calls }) => tool_calls && tool_calls.length > 0).length,
    results: resultsIn(after),
  }
}

/** What the message at a place asks for; where it says so only in part, after what its user asked before. */
function wishesAt(messages: readonly ChatMessage[], at: number): Wish[] {
  const text = plainText(messages[at]?.content)
  const own = understand(text)
  if (own.length > 0 || smallTalk(text) !== undefined) return own

  let previous: Wish[] = []
  let direct = false
  for (const earlier of earlierTexts(messages, at)) {
    const found = understand(earlier)
    const wishes: Wish[] =
      found.length > 0 || smallTalk(earlier) !== undefined ? found : followUp(earlier, previous, direct)
    direct = wishes.length > 0
    if (direct) previous = wishes
  }
  return followUp(text, previous, direct)
}

/** The texts of the user's messages before a place, oldest first. */
function earlierTexts(messages: readonly ChatMessage[], at: number): string[] {
  const texts: string[] = []
  for (let before = at - 1; before >= 0 && texts.length < LOOK_BACK; before--) {
    const message = messages[before]
    if (message?.role === 'user') texts.unshift(plainText(message.content))
  }
  return texts
}

/** "Email it to …": what was said last is the body. */
function withReply(wish: Wish, messages: readonly ChatMessage[], at: number): Wish {
  if (wish.subject !== 'mail' || wish.content !== 'reply') return wish
  const said = messages
    .slice(0, Math.max(0, at))
    .findLast((message) => message.role === 'assistant' && rawText(message.content))
  return said
    ? {
        ...wish,
        title: wish.title ?? 'The answer you asked for',
        body: rawText(said.content),
        content: 'words',
      }
    : { ...wish, content: 'missing' }
}

/** Pairs calls and results in order: servers exist that use one id in several answers. */
function resultsIn(after: readonly ChatMessage[]): ToolResult[] {
  const results: { id: string | undefined; name: string; arguments: string; content: string | undefined }[] =
    []
  for (const { role, content, tool_calls, tool_call_id } of after) {
    for (const { id, function: call } of tool_calls ?? [])
      results.push({ id, name: call.name, arguments: call.arguments, content: undefined })
    const open = results.find(({ id, content }) => content === undefined && id === tool_call_id)
    if (role === 'tool' && open) open.content = rawText(content)
  }
  return results
}
