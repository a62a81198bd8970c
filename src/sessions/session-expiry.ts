import type { Bus } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { DeleteSession } from '../messages/session.ts'
import type { HeldSession, KeptSession, SessionStorage } from './session-storage.ts'

/** Between two looks at what should have expired and may not yet, e.g. because its turn runs. */
const SHORTEST_WAIT = 1000
/** Other processes may bring sessions too: so often all that is kept is looked at. */
const LONGEST_WAIT = 60 * 60_000

/**
 * Ends sessions that nobody touched (opened, appended, committed, updated, edited) for `ttl` milliseconds of the bus's
 * clock. One that is open here does not expire while a command of its own runs, such as its turn; one that is open
 * elsewhere never does here, nor one that was brought here and not opened yet: that is its first touch. Timers are set
 * only while something is kept that can expire.
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
    if (this.#keepsAny()) this.watch()
  }

  /** Sees to it that the sweep goes on: something is kept that may expire. */
  watch(): void {
    if (!this.#timer) this.#wait(Math.min(this.#ttl, LONGEST_WAIT))
  }

  hasExpired({ session: { id, updatedAt }, isUntouched }: KeptSession): boolean {
    if (isUntouched) return false
    return this.#bus.now() - updatedAt >= this.#ttl && !(this.#open.has(id) && this.#isBusy(id))
  }

  /** Somebody opened the session: kept as an append of nothing, which raises no version. */
  touch(held: HeldSession): void {
    const { session } = held
    const time = this.#bus.now()
    if (held.isUntouched || session.updatedAt < time)
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

  #keepsAny(): boolean {
    try {
      return this.#storage.ids().length > 0
    } catch (error) {
      // Whoever opens a session is told why.
      if (!(error instanceof BuslineError)) throw error
      return true
    }
  }

  #sweep(): void {
    this.#timer = undefined
    let next = this.#bus.now() + this.#ttl
    try {
      next = this.#lookAtAll()
    } finally {
      const left = Math.min(next - this.#bus.now(), this.#ttl, LONGEST_WAIT)
      if (next < Infinity) this.#wait(Math.max(left, Math.min(this.#ttl, SHORTEST_WAIT)))
    }
  }

  /** Returns when something can expire next; never, if nothing can. */
  #lookAtAll(): number {
    const ids = new Set([...this.#open.keys(), ...this.#storage.ids()])
    for (const id of this.#due.keys()) if (!ids.has(id)) this.#due.delete(id)
    let next = Infinity
    for (const id of ids) next = Math.min(next, this.#lookAgainAt(id))
    return next
  }

  #lookAgainAt(id: string): number {
    try {
      return this.#look(id)
    } catch (error) {
      // That it is damaged is for whoever opens it to say; until then it does not expire.
      if (!(error instanceof BuslineError)) throw error
      const isInTheWay = error.code === 'SESSION_IN_USE' || error.code === 'FILE_FAILED'
      return this.#later(id, isInTheWay)
    }
  }

  /** Spares reading it for a while; returns when it may expire, if it may. */
  #later(id: string, mayExpire: boolean): number {
    const later = this.#bus.now() + this.#ttl
    this.#due.set(id, later)
    return mayExpire ? later : Infinity
  }

  /** Ends a session if it has expired; returns when to look again. */
  #look(id: string): number {
    const now = this.#bus.now()
    const live = this.#open.get(id)
    if (live) {
      if (this.hasExpired(live)) this.#end(id)
      return live.session.updatedAt + this.#ttl
    }
    const known = this.#due.get(id)
    if (known !== undefined && known > now) return known

    const kept = this.#storage.read(id)
    if (!kept) return Infinity
    if (kept.isUntouched) return this.#later(id, false)
    if (this.hasExpired(kept) && this.#removeIfExpired(id)) return Infinity
    const due = kept.session.updatedAt + this.#ttl
    this.#due.set(id, due)
    return due
  }

  /** Removes a session that is not open here, once it is held: it may have been touched elsewhere since it was read. */
  #removeIfExpired(id: string): boolean {
    const held = this.#storage.hold(id, () => {
      throw new BuslineError('SESSION_NOT_FOUND', `Session ${id} is gone already.`)
    })
    if (!this.hasExpired(held)) {
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
