import type { Bus } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { SESSION_CHANGES, sessionNews, type SessionNews } from '../messages/session-news.ts'
import { OpenSession } from '../messages/session.ts'
import type { UsageTotals } from '../messages/usage.ts'
import { addTotals, NOTHING_USED, totalsOfMessages } from './usage-totals.ts'

/** What the sessions of a bus have used. */
export interface SessionUsage {
  /** Of the scope's session; opens it if it is not open, to see what its messages took. */
  read(session: string, scope: Scope): UsageTotals | Promise<UsageTotals>
  add(session: string, used: UsageTotals): void
}

/** A session that nobody opened nor closed is forgotten when so many others were used since. */
const MOST_SESSIONS = 10_000

interface Entry {
  /** What its messages took before its calls were counted here; undefined until they are read. */
  before: UsageTotals | undefined
  here: UsageTotals
  /** Messages that were appended until then, whose calls are counted here. */
  readonly counted: Set<string>
}

/**
 * Adds up what sessions use. What they used in an earlier process is read from their messages, once, when they are opened; a
 * session that is closed or deleted is forgotten.
 */
export function sessionUsage(bus: Bus): SessionUsage {
  const entries = new Map<string, Entry>()
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id) ?? { before: undefined, here: NOTHING_USED, counted: new Set() }
    entries.delete(id)
    entries.set(id, entry)
    const [oldest] = entries.keys()
    if (entries.size > MOST_SESSIONS && oldest !== undefined) entries.delete(oldest)
    return entry
  }

  bus.use(
    async function sessionUsage(message, next) {
      const outcome = await next()
      const news = newsOf(message, outcome)
      if (news?.kind === 'gone') entries.delete(news.id)
      if (news?.kind === 'opened') readBefore(entryOf(news.id), news.session.messages)
      if (news?.kind === 'appended') noteCounted(entries.get(news.id), news.messages)
      return outcome
    },
    { for: SESSION_CHANGES },
  )

  const read = (id: string): UsageTotals => {
    const { before, here } = entryOf(id)
    return before ? addTotals(before, here) : here
  }
  return {
    read(id, scope) {
      if (entryOf(id).before) return read(id)
      return tryOpen(id, scope).then(() => {
        // Without news of it there is nothing to know: it is not asked again.
        readBefore(entryOf(id), [])
        return read(id)
      })
    },
    add(id, used) {
      const entry = entryOf(id)
      entry.here = addTotals(entry.here, used)
    },
  }
}

/** What is no result of the command tells nothing; the bus refuses it. */
function newsOf(...heard: Parameters<typeof sessionNews>): SessionNews | undefined {
  try {
    return sessionNews(...heard)
  } catch {
    return undefined
  }
}

function readBefore(entry: Entry, messages: readonly ConversationMessage[]): void {
  entry.before ??= totalsOfMessages(messages.filter(({ id }) => id === undefined || !entry.counted.has(id)))
  entry.counted.clear()
}

/** Without an entry none of their calls was counted here. */
function noteCounted(entry: Entry | undefined, messages: readonly ConversationMessage[]): void {
  if (!entry || entry.before) return
  for (const { id, meta } of messages)
    if (id !== undefined && (meta?.usage || meta?.cost !== undefined)) entry.counted.add(id)
}

/** Its news bring what there is to know. Without a store, or before the session is made, that is nothing. */
async function tryOpen(id: string, scope: Scope): Promise<void> {
  try {
    await scope.execute(OpenSession, { id, create: false })
  } catch (error) {
    const isNew =
      error instanceof BuslineError && (error.code === 'NO_HANDLER' || error.code === 'SESSION_NOT_FOUND')
    if (!isNew) throw error
  }
}
