import type { Bus } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { SESSION_CHANGES, sessionNews } from '../messages/session-news.ts'
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
  /** What its messages took before this process; undefined until it is opened. */
  before: UsageTotals | undefined
  here: UsageTotals
}

/**
 * Adds up what sessions use. What they used in an earlier process is read from their messages, once, when they are opened; a
 * session that is closed or deleted is forgotten.
 */
export function sessionUsage(bus: Bus): SessionUsage {
  const entries = new Map<string, Entry>()
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id) ?? { before: undefined, here: NOTHING_USED }
    entries.delete(id)
    entries.set(id, entry)
    const [oldest] = entries.keys()
    if (entries.size > MOST_SESSIONS && oldest !== undefined) entries.delete(oldest)
    return entry
  }

  bus.use(
    async function sessionUsage(message, next) {
      const outcome = await next()
      const news = sessionNews(message, outcome)
      if (news?.kind === 'gone') entries.delete(news.id)
      if (news?.kind === 'opened') entryOf(news.id).before ??= totalsOfMessages(news.session.messages)
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
        entryOf(id).before ??= NOTHING_USED
        return read(id)
      })
    },
    add(id, used) {
      const entry = entryOf(id)
      entry.here = addTotals(entry.here, used)
    },
  }
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
