import { createHash, hash as digestOf, type Hash } from 'node:crypto'
import type { ConversationMessage } from './conversation.ts'
import { isSettled, remembering } from './settled.ts'
import type { ToolDescription } from './tool.ts'

type Redact = (text: string) => string

/** What is remembered for the function that hides secrets, which is that of one bus. */
interface Memory {
  readonly digest: (part: object) => Uint8Array
  /** By a history's first message: how far it has been hashed, and to what. */
  readonly histories: WeakMap<object, { messages: readonly ConversationMessage[]; hash: Hash }>
}

const memories = new WeakMap<Redact, Memory>()

/**
 * The hash of an expanded request, after redaction: equal where messages and tools are equal. Made of the digests of the
 * parts. A history that grew since it was hashed last goes on from there, so the cost is that of what is new.
 */
export function requestHash(
  messages: readonly ConversationMessage[],
  tools: readonly ToolDescription[],
  redact: Redact,
): string {
  const memory = memories.get(redact) ?? newMemory(redact)
  memories.set(redact, memory)
  // The first one apart: it is the system prompt, whose last block may change with every step.
  const [first, ...history] = messages
  const hash = historyHash(memory, history)
  if (first) hash.update('first').update(memory.digest(first))
  hash.update('tools')
  for (const tool of tools) hash.update(memory.digest(tool))
  return `sha256-${hash.digest('hex')}`
}

function newMemory(redact: Redact): Memory {
  const digest = remembering((part: object) => digestOf('sha256', redact(JSON.stringify(part)), 'buffer'))
  return { digest, histories: new WeakMap() }
}

/** A hash that has taken in the history, for the caller to go on with. */
function historyHash({ digest, histories }: Memory, messages: readonly ConversationMessage[]): Hash {
  const [first] = messages
  const before = first && histories.get(first)
  const isGrown =
    before !== undefined && before.messages.every((message, place) => message === messages[place])
  const hash = isGrown ? before.hash : createHash('sha256')
  const from = isGrown ? before.messages.length : 0
  for (let place = from; place < messages.length; place++) {
    const message = messages[place]
    if (message) hash.update(digest(message))
  }
  // Of what may change, another time could tell otherwise.
  const keeps = first !== undefined && messages.slice(from).every(isSettled)
  if (keeps) histories.set(first, { messages, hash })
  else if (first) histories.delete(first)
  return keeps ? hash.copy() : hash
}
