import { AsyncLocalStorage } from 'node:async_hooks'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import process from 'node:process'
import timers from 'node:timers'
import { fileURLToPath } from 'node:url'
import { BuslineError } from '../messages/busline-error.ts'
import type { GuardFinding } from './replay-report.ts'

interface Watched {
  readonly type: string
  readonly id: string
  readonly guard: WorldGuard
}

const watched = new AsyncLocalStorage<Watched>()
/** Where Busline itself is: what it does inside of a handler is no use of the world by the handler. */
const HOME = fileURLToPath(new URL('..', import.meta.url))
let guards = 0
let undo: (() => void) | undefined

/**
 * Watches handlers for the real clock, randomness, timers and the network while it is there: global functions and those of
 * Node's modules are replaced for the whole process, and tell only of what a watched handler does.
 */
export class WorldGuard {
  #onFinding: (finding: GuardFinding) => void
  #told = new Set<string>()

  constructor(onFinding: (finding: GuardFinding) => void) {
    this.#onFinding = onFinding
    if (guards++ === 0) undo = replaceAll()
  }

  /** Runs a handler under watch, with all that it causes by itself; an effect may touch the world. */
  run(message: { type: string; id: string }, run: () => unknown, isEffect: boolean): unknown {
    if (isEffect) return watched.exit(run)
    return watched.run({ type: message.type, id: message.id, guard: this }, run)
  }

  leave(): void {
    if (--guards > 0) return
    undo?.()
    undo = undefined
  }

  /** Tells once of each place. */
  tell(finding: GuardFinding): void {
    const key = `${finding.what} ${finding.type} ${finding.at ?? ''}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    this.#onFinding(finding)
  }
}

/** Tells of a use, if a watched handler makes it; whether it does. */
function used(what: string, kind: GuardFinding['kind']): boolean {
  const by = watched.getStore()
  if (!by) return false
  const at = callerOf(kind)
  if (at === undefined) return false
  const { type, id, guard } = by
  guard.tell({ what, kind, type, id, at })
  return true
}

/** Frames of this file above who called: `callerOf`, `used`, and the replacement. */
const OWN_FRAMES = 3

/** The file and line that called what was replaced; undefined where that was Busline, or Node for itself. */
function callerOf(kind: GuardFinding['kind']): string | undefined {
  const frames = new Error('a use of the world').stack?.split('\n').slice(1 + OWN_FRAMES) ?? []
  // Node connects for whoever called it; a clock that it reads for itself is nobody's.
  const frame = kind === 'network' ? frames.find((line) => !line.includes('node:')) : frames[0]
  if (frame === undefined || frame.includes('node:'))
    return kind === 'network' ? 'an unknown place' : undefined
  const place = /\(?((?:file:\/\/)?[^()\s]+:\d+):\d+\)?$/.exec(frame)?.[1]?.replace(/^file:\/\//, '')
  return place?.startsWith(HOME) === true ? undefined : place
}

/** Puts watching functions in the place of the real ones; returns the undo. */
function replaceAll(): () => void {
  const undos = [
    replaceMethod(Date, 'now', 'Date.now', 'clock'),
    replaceMethod(performance, 'now', 'performance.now', 'clock'),
    replaceMethod(process.hrtime, 'bigint', 'process.hrtime.bigint', 'clock'),
    replaceMethod(process, 'hrtime', 'process.hrtime', 'clock'),
    replaceMethod(Math, 'random', 'Math.random', 'randomness'),
    replaceMethod(globalThis, 'setTimeout', 'setTimeout', 'timer'),
    replaceMethod(globalThis, 'setInterval', 'setInterval', 'timer'),
    replaceMethod(timers, 'setTimeout', 'timers.setTimeout', 'timer'),
    replaceMethod(timers.promises, 'setTimeout', 'timers/promises.setTimeout', 'timer'),
    replaceMethod(AbortSignal, 'timeout', 'AbortSignal.timeout', 'timer'),
    replaceMethod(globalThis.crypto, 'getRandomValues', 'crypto.getRandomValues', 'randomness'),
    replaceMethod(globalThis.crypto, 'randomUUID', 'crypto.randomUUID', 'randomness'),
    replaceMethod(crypto, 'randomBytes', 'crypto.randomBytes', 'randomness'),
    replaceMethod(crypto, 'randomUUID', 'crypto.randomUUID', 'randomness'),
    replaceMethod(crypto, 'randomInt', 'crypto.randomInt', 'randomness'),
    replaceMethod(globalThis, 'fetch', 'fetch', 'network'),
    replaceMethod(net.Socket.prototype, 'connect', 'net.connect', 'network'),
    replaceMethod(dgram.Socket.prototype, 'send', 'dgram.send', 'network'),
    replaceMethod(dns, 'lookup', 'dns.lookup', 'network'),
    replaceMethod(dns.promises, 'lookup', 'dns.lookup', 'network'),
    replaceDate(),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const back of undos.toReversed()) back()
    syncBuiltinESMExports()
  }
}

function replaceMethod(owner: object, name: string, what: string, kind: GuardFinding['kind']): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') return () => undefined
  const replacement = new Proxy(original, {
    apply(target, self, given) {
      if (used(what, kind) && kind === 'network') throw refused(what)
      return Reflect.apply(target, self, given)
    },
  })
  Object.defineProperty(owner, name, {
    value: replacement,
    configurable: true,
    writable: true,
    enumerable: before?.enumerable ?? false,
  })
  return () => {
    if (before) Object.defineProperty(owner, name, before)
    else Reflect.deleteProperty(owner, name)
  }
}

/** `new Date()` and `Date()` read the clock; a date that is given its time does not. */
function replaceDate(): () => void {
  const original = globalThis.Date
  const replacement = new Proxy(original, {
    construct(target, given, newTarget) {
      if (given.length === 0) used('new Date()', 'clock')
      return Reflect.construct(target, given, newTarget)
    },
    apply(target, self, given) {
      used('Date()', 'clock')
      return Reflect.apply(target, self, given)
    },
  })
  globalThis.Date = replacement
  // Whoever asks what made a date compares with what `Date` is now.
  original.prototype.constructor = replacement
  return () => {
    globalThis.Date = original
    original.prototype.constructor = original
  }
}

function refused(what: string): BuslineError {
  const by = watched.getStore()
  return new BuslineError(
    'REPLAY_GUARD',
    `The handler of ${by?.type ?? 'a message'} uses the network (${what}). A replay has none: make it a command with effect: true, which the journal can answer.`,
    { data: { what, type: by?.type, id: by?.id } },
  )
}
