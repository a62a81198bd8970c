import * as z from 'zod'

/** What a file of an older format does not say itself. */
export interface FileFacts {
  id: string
  /** When it was written last, epoch milliseconds. */
  modifiedAt: number
}

/** A step of the chain: a session of one format made one of the next. */
type Upgrade = (session: Record<string, unknown>, facts: FileFacts) => Record<string, unknown>

/** By the version that each begins with; what it makes is one more. */
const UPGRADES: ReadonlyMap<number, Upgrade> = new Map([[0, fromUnversioned]])

const AnyObject = z.record(z.string(), z.unknown())

/**
 * Brings the content of a session file to the format of today, step by step; as it is when it has that, or is no session.
 * `from` is the version that it had, undefined if it is today's.
 */
export function upgradeSession(
  value: unknown,
  factsOf: () => FileFacts,
): { session: unknown; from: number | undefined } {
  const object = AnyObject.safeParse(value)
  if (!object.success) return { session: value, from: undefined }
  const from = versionOf(object.data)
  if (stepFrom(from) === undefined) return { session: value, from: undefined }
  const facts = factsOf()
  let session = object.data
  let version = from
  for (let step = stepFrom(version); step && version !== undefined; step = stepFrom(version)) {
    session = step(session, facts)
    version++
  }
  return { session, from }
}

function stepFrom(version: number | undefined): Upgrade | undefined {
  return version === undefined ? undefined : UPGRADES.get(version)
}

/** A file that has no `v` is of version 0; one that says 0 itself was written by nobody. */
function versionOf(session: Record<string, unknown>): number | undefined {
  const { v } = session
  if (v === undefined) return Array.isArray(session['messages']) ? 0 : undefined
  return typeof v === 'number' && v > 0 ? v : undefined
}

/** Written by hand or exported from elsewhere: whatever is missing but the messages gets its default. */
function fromUnversioned(session: Record<string, unknown>, { id, modifiedAt }: FileFacts): Record<string, unknown> {
  const messages: unknown[] = Array.isArray(session['messages']) ? session['messages'] : []
  return {
    id,
    name: null,
    version: 1,
    model: null,
    systemPrompt: null,
    createdAt: modifiedAt,
    updatedAt: modifiedAt,
    context: {},
    ...session,
    messages: messages.map((message, index) => withId(message, `v0-${index}`)),
    v: 1,
  }
}

/** By its place, so that it is the same at each reading, and edits that name it apply. */
function withId(message: unknown, id: string): unknown {
  if (typeof message !== 'object' || message === null || 'id' in message) return message
  return { id, ...message }
}
