// Two lines longer than 200: what a session remembers of its tools is read, changed and let go in one place.
import * as z from 'zod'
import type { Bus } from '../bus/bus.ts'
import type { Sender } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { patchedContext, sessionNews, type SessionNews } from '../messages/session-news.ts'
import { CloseSession, DeleteSession, OpenSession, UpdateSession, type Session } from '../messages/session.ts'

/** Of a session's approvals: tools that are approved for the rest of it, and calls that wait for a decision and never ran. */
const Approvals = z.object({
  always: z.array(z.string()).default([]),
  waiting: z.array(z.string()).default([]),
})
export type Approvals = z.output<typeof Approvals>

/** Which tools a session is offered; null for both: all. */
const Selection = z.object({
  groups: z.array(z.string()).nullable().default(null),
  names: z.array(z.string()).nullable().default(null),
})
export type Selection = z.output<typeof Selection>

export interface ToolSession {
  approvals: Approvals
  selection: Selection
}

/** What sends with a session's id: a scope, or the session itself. */
export interface SessionSender extends Pick<Sender, 'execute'> {
  readonly session: string | undefined
}

/** Where in a session's free context each is kept. */
const KEYS = { approvals: 'busline.approvals', selection: 'busline.tools' } as const

/** Sessions that no store has are remembered as long as there is room; they leave, oldest first, beyond this. */
const MOST_UNSTORED = 10_000

/** Others write to a session, too: so often is a change made again on what they left, before it fails. */
const MOST_ATTEMPTS = 20

/** What says that no store has the session. */
const UNSTORED: readonly string[] = ['NO_HANDLER', 'SESSION_NOT_FOUND', 'SESSION_NOT_OPEN']

/**
 * What of a session is about tools, kept in its free context, so that it survives a restart. Follows the commands that open,
 * update and close sessions, whichever store handles those. Without a store it lasts as long as the manager.
 */
export class ToolSessions {
  readonly #stored = new Map<string, ToolSession>()
  readonly #unstored = new Map<string, ToolSession>()
  /** The last change of each session, after which the next one begins. */
  readonly #changing = new Map<string, Promise<void>>()
  #isFollowing = true

  /** `onDeleted` hears of each session that is deleted. */
  constructor(bus: Bus, onDeleted: (id: string) => void = () => undefined) {
    const follow = (news: SessionNews): void => this.#follow(news)
    bus.use(
      async function toolSessions(message, next) {
        const outcome = await next()
        const news = sessionNews(message, outcome)
        if (news) follow(news)
        if (news?.kind === 'gone' && message.type === DeleteSession.type) onDeleted(news.id)
        return outcome
      },
      { for: [OpenSession, UpdateSession, CloseSession, DeleteSession] },
    )
  }

  /** When the manager is detached it hears of no change any more: what calls that go on need is asked for from then on. */
  stopFollowing(): void {
    this.#isFollowing = false
    this.#stored.clear()
  }

  /** What is known of a session without asking its store. */
  known(id: string | undefined): ToolSession | undefined {
    return id === undefined ? undefined : (this.#stored.get(id) ?? this.#unstored.get(id))
  }

  /** The scope's session, opened if it was not; undefined outside of sessions. */
  async of(scope: SessionSender): Promise<ToolSession | undefined> {
    const { session: id } = scope
    if (id === undefined) return undefined
    const known = this.known(id)
    if (known) return known
    const opened = await openStored(scope, id)
    if (!opened) return this.#rememberUnstored(id, toToolSession({}))
    return this.#stored.get(id) ?? toToolSession(opened.context)
  }

  /**
   * Changes one part of the scope's session, as it stands in its store; resolves when that has it. Changes of one session are
   * made one after the other, and made again when somebody else wrote meanwhile, so that none is lost.
   */
  async change<Part extends keyof ToolSession>(
    scope: SessionSender,
    part: Part,
    change: (before: ToolSession[Part]) => ToolSession[Part],
  ): Promise<void> {
    const { session: id } = scope
    if (id === undefined) return
    const before = this.#changing.get(id)
    const mine = (async () => {
      await before?.catch(() => undefined)
      if (!this.#unstored.has(id) && (await changeStored(scope, { id, part, change }))) return
      const session = this.known(id) ?? toToolSession({})
      this.#rememberUnstored(id, { ...session, [part]: change(session[part]) })
    })()
    this.#changing.set(id, mine)
    try {
      await mine
    } finally {
      if (this.#changing.get(id) === mine) this.#changing.delete(id)
    }
  }

  #rememberUnstored(id: string, session: ToolSession): ToolSession {
    this.#stored.delete(id)
    this.#unstored.set(id, session)
    const [oldest] = this.#unstored.keys()
    if (this.#unstored.size > MOST_UNSTORED && oldest !== undefined) this.#unstored.delete(oldest)
    return session
  }

  #follow(news: SessionNews): void {
    const { id } = news
    if (news.kind === 'gone') {
      this.#stored.delete(id)
      this.#unstored.delete(id)
      return
    }
    if (!this.#isFollowing) return
    if (news.kind === 'opened') {
      this.#unstored.delete(id)
      this.#stored.set(id, toToolSession(news.session.context))
      return
    }
    const known = this.#stored.get(id)
    if (news.kind !== 'updated' || !known) return
    const { context, patchContext } = news.set
    if (context === undefined && patchContext === undefined) return
    const base = context ?? toContext(known)
    this.#stored.set(id, toToolSession(patchContext ? patchedContext(base, patchContext) : base))
  }
}

/** The session as its store has it, opened if it was not; undefined where no store has it. */
async function openStored(scope: SessionSender, id: string): Promise<Session | undefined> {
  try {
    return await scope.execute(OpenSession, { id, create: false })
  } catch (error) {
    if (isUnstored(error)) return undefined
    throw error
  }
}

/** False where no store has the session. */
async function changeStored<Part extends keyof ToolSession>(
  scope: SessionSender,
  { id, part, change }: { id: string; part: Part; change: (before: ToolSession[Part]) => ToolSession[Part] },
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const opened = await openStored(scope, id)
    if (!opened) return false
    const value = change(toToolSession(opened.context)[part])
    const patchContext = { [KEYS[part]]: isBlank(value) ? null : value }
    try {
      await scope.execute(UpdateSession, { patchContext, version: opened.version })
      return true
    } catch (error) {
      if (isUnstored(error)) return false
      const hasChanged = error instanceof BuslineError && error.code === 'VERSION_CONFLICT'
      if (!hasChanged || attempt === MOST_ATTEMPTS) throw error
    }
  }
}

/** What somebody else wrote there and does not fit counts as absent. */
function toToolSession(context: Session['context']): ToolSession {
  const approvals = Approvals.safeParse(context[KEYS.approvals])
  const selection = Selection.safeParse(context[KEYS.selection])
  return {
    approvals: approvals.success ? approvals.data : { always: [], waiting: [] },
    selection: selection.success ? selection.data : { groups: null, names: null },
  }
}

function toContext({ approvals, selection }: ToolSession): Session['context'] {
  return { [KEYS.approvals]: approvals, [KEYS.selection]: selection }
}

/** Whether it says the same as nothing: an empty selection offers nothing, which is something else. */
function isBlank(value: Approvals | Selection): boolean {
  return 'always' in value
    ? value.always.length === 0 && value.waiting.length === 0
    : value.groups === null && value.names === null
}

function isUnstored(error: unknown): boolean {
  return error instanceof BuslineError && UNSTORED.includes(error.code)
}
