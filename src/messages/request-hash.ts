import { createHash } from 'node:crypto'
import type { ConversationMessage } from './conversation.ts'
import { remembering } from './settled.ts'
import type { ToolDescription } from './tool.ts'

type Redact = (text: string) => string

/** Digests by the function that hides secrets, which is that of one bus. */
const digesters = new WeakMap<Redact, (part: object) => Uint8Array>()

/**
 * The hash of an expanded request, after redaction: equal where messages and tools are equal. Made of the digests of the
 * parts, and those of a history are remembered: its cost does not grow with the bytes that were there before.
 */
export function requestHash(
  messages: readonly ConversationMessage[],
  tools: readonly ToolDescription[],
  redact: Redact,
): string {
  const digest = digesters.get(redact) ?? remembering((part: object) => sha256(redact(JSON.stringify(part))))
  digesters.set(redact, digest)
  const hash = createHash('sha256')
  for (const message of messages) hash.update(digest(message))
  hash.update('tools')
  for (const tool of tools) hash.update(digest(tool))
  return `sha256-${hash.digest('hex')}`
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
