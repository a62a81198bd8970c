import type { Bus } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { DeleteSession, type Session } from '../messages/session.ts'
import type { HeldSession, SessionStorage } from './session-storage.ts'

/** Between two looks at what should have expired and may not yet, e.g. because its turn runs. */
const SHORTEST_WAIT = 1000
/** Other processes may bring sessions too: so often all that is kept is looked at. */
const LONGEST_WAIT = 60 * 60_000

/**
 * Ends sessions that nobody touched (opened, appended, committed, updated, edited) for `ttl` milliseconds of the bus's
 * clock. One that is open here does not expire while a command of its own runs, such as its turn; one that is open
 * elsewhere never does here.
 */
export class SessionExpiry {
  readonly #bus: Bus
  readonly #storage: SessionStorage
  readonly #open: ReadonlyMap<string, HeldSession>
  readonly #ttl: number
  /** When the sessions that are not open here expire at the earliest: until then there is no need to read them. */
  readonly #due = new Map<string, number>()
  #timer: (() => void) | undefined

  constructor(bus: Bus, storage: SessionStorage, open: ReadonlyMap<string, HeldSession>, ttl: number) {
    this.#bus = bus
    this.#storage = storage
    this.#open = open
    this.#ttl = ttl
    this.#wait(Math.min(ttl, LONGEST_WAIT))
  }

  hasExpired({ id, updatedAt }: Session): boolean {
    return this.#bus.now() - updatedAt >= this.#ttl && !(this.#open.has(id) && this.#isBusy(id))
  }

  /** Somebody opened the session: kept as an append of nothing, which raises no version. */
  touch(held: HeldSession): void {
    const { session } = held
    const time = this.#bus.now()
    if (session.updatedAt < time)
      held.change({ at: session.messages.length, from: session.version, time, messages: [] })
  }

  stop(): void {
    this.#timer?.()
  }

  #isBusy(session: string): boolean {
    return this.#bus
      .inspect()
      .running.some((command) => command.session === session && !command.type.startsWith('session.'))
  }

  #wait(ms: number): void {
    this.#timer = this.#bus.after(ms, () => this.#sweep())
  }

  #sweep(): void {
    let next = Infinity
    try {
      const ids = new Set([...this.#open.keys(), ...this.#storage.ids()])
      for (const id of this.#due.keys()) if (!ids.has(id)) this.#due.delete(id)
      for (const id of ids) next = Math.min(next, this.#lookAgainAt(id))
    } finally {
      const left = Math.min(next - this.#bus.now(), this.#ttl, LONGEST_WAIT)
      this.#wait(Math.max(left, Math.min(this.#ttl, SHORTEST_WAIT)))
    }
  }

  #lookAgainAt(id: string): number {
    try {
      return this.#look(id)
    } catch (error) {
      // Damaged, or held by another process: that is for whoever opens it to say.
      if (!(error instanceof BuslineError)) throw error
      const later = this.#bus.now() + this.#ttl
      this.#due.set(id, later)
      return later
    }
  }

  /** Ends a session if it has expired; returns when to look again. */
  #look(id: string): number {
    const now = this.#bus.now()
    const live = this.#open.get(id)?.session
    if (live) {
      if (this.hasExpired(live)) this.#end(id)
      return live.updatedAt + this.#ttl
    }
    const known = this.#due.get(id)
    if (known !== undefined && known > now) return known

    const session = this.#storage.read(id)
    if (!session) return Infinity
    if (this.hasExpired(session) && this.#removeIfExpired(id)) return Infinity
    this.#due.set(id, session.updatedAt + this.#ttl)
    return session.updatedAt + this.#ttl
  }

  /** Removes a session that is not open here, once it is held: it may have been touched elsewhere since it was read. */
  #removeIfExpired(id: string): boolean {
    const held = this.#storage.hold(id, () => {
      throw new BuslineError('SESSION_NOT_FOUND', `Session ${id} is gone already.`)
    })
    if (!this.hasExpired(held.session)) {
      held.close()
      return false
    }
    held.remove()
    this.#due.delete(id)
    return true
  }

  /** By a command, so that whoever keeps up with the open sessions hears of it, and the journal holds it. */
  #end(id: string): void {
    this.#bus.execute(DeleteSession, { id }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      process.emitWarning(`Session ${id} has expired and can't be deleted. ${why}`, {
        code: 'BUSLINE_SESSION_NOT_EXPIRED',
      })
    })
  }
}
