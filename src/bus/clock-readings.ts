import type { Environment } from './environment.ts'
import type { Message } from './envelope.ts'
import type { Recorder } from './recorder.ts'
import type { Replaying } from './replaying.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** How much a handler's clock may be behind, so that hardly any reading needs a line of its own. */
const SAME_TIME_MS = 5

/** Whose timer it is: that of a handler, or of one subscriber of an event. */
export interface TimerOwner {
  readonly message: Message
  readonly subscriber: { readonly name: string } | undefined
}

/** The data of a `bus.timeRead` note: which of the readings of a handler or subscriber it is, or which of its timers, from 1. */
export interface TimeRead {
  readonly subscriber?: string
  readonly read?: number
  /** Noted before it was set, or when it rang. */
  readonly before?: 'sleep'
  readonly after?: 'sleep'
  readonly timer?: number
}

/**
 * The clock as handlers get it. A replay that runs a handler again has to tell it the same time, and to ring its timers where
 * they rang: where the lines do not tell that by themselves, a line of its own does (`bus.timeRead`). Handlers of effects are
 * not run again, and an injected clock can be injected again.
 */
export class ClockReadings {
  #environment: Environment
  #recorder: Recorder
  #replaying: Replaying | undefined
  #isEffect: (message: Message) => boolean
  /** The line after the last that a beginning timer wrote: an idle poller writes one, not one each time. */
  #notedAt = -1
  /** How often the clock was read, and how many timers were set, for a message and its subscribers. */
  #counts = new WeakMap<Message, Map<string, number>>()

  constructor(parts: {
    environment: Environment
    recorder: Recorder
    replaying: Replaying | undefined
    isEffect: (message: Message) => boolean
  }) {
    this.#environment = parts.environment
    this.#recorder = parts.recorder
    this.#replaying = parts.replaying
    this.#isEffect = parts.isEffect
  }

  /** The time of the last line, which differs by a few milliseconds at most, else that of a line of its own. */
  read(owner: TimerOwner): number {
    const { message } = owner
    const isEffect = this.#isEffect(message)
    const time = this.#environment.now()
    if (isEffect && message.begun) return time
    const replaying = this.#replaying
    const read = { ...subscriberOf(owner), read: this.#nextOf(owner, 'read') }
    if (replaying) {
      const wasNoted = replaying.noteTimeRead(message, (as) => this.#note(message, as), read)
      // A middleware may wait until it is late enough: then a timer has rung since the last line.
      return isEffect && !wasNoted ? time : (this.#recorder.lastTime ?? time)
    }
    const { lastTime } = this.#recorder
    if (lastTime === undefined || !this.#mayNote) return time
    if (time >= lastTime && time - lastTime < SAME_TIME_MS) return lastTime
    this.#note(message, read)
    return this.#recorder.lastTime ?? time
  }

  /**
   * Sets a timer. Lines tell when it was set and when it rang, unless the lines around do: written when it is set some
   * milliseconds after the last line, and when it rings late and others have written lines since it was due.
   */
  after(owner: TimerOwner, ms: number, run: () => void): Unsubscribe {
    const { message, subscriber } = owner
    const isRunAgain = !(this.#isEffect(message) && message.begun)
    const replaying = this.#replaying
    const which = { ...subscriberOf(owner), timer: this.#nextOf(owner, 'timer') }
    const before: TimeRead = { before: 'sleep', ...which }
    const after: TimeRead = { after: 'sleep', ...which }
    if (replaying) {
      replaying.noteTimeRead(message, (as) => this.#note(message, as), before)
      return replaying.setTimer({ message, subscriber, late: isRunAgain ? after : undefined }, ms, () => {
        replaying.noteTimeRead(message, (as) => this.#note(message, as), after)
        run()
      })
    }
    if (!isRunAgain || !this.#mayNote) return this.#environment.after(ms, run)
    this.#noteBeginning(message, before)
    const due = this.#environment.now() + ms
    return this.#environment.after(ms, () => {
      if ((this.#recorder.lastTime ?? 0) > due) this.#note(message, after)
      run()
    })
  }

  #nextOf({ message, subscriber }: TimerOwner, what: 'read' | 'timer'): number {
    const counts = this.#counts.get(message) ?? new Map<string, number>()
    const which = `${what} ${subscriber?.name ?? ''}`
    const count = (counts.get(which) ?? 0) + 1
    this.#counts.set(message, counts.set(which, count))
    return count
  }

  get #mayNote(): boolean {
    return this.#recorder.on && !this.#environment.ownClock
  }

  #noteBeginning(message: Message, read: TimeRead): void {
    const { lastTime, nextSeq } = this.#recorder
    const isSame = lastTime === undefined || Math.abs(this.#environment.now() - lastTime) < SAME_TIME_MS
    if (isSame || nextSeq === this.#notedAt) return
    this.#note(message, read)
    this.#notedAt = this.#recorder.nextSeq
  }

  #note(message: Message, data: TimeRead | undefined): void {
    this.#recorder.note('timeRead', data, message)
  }
}

function subscriberOf({ subscriber }: TimerOwner): Pick<TimeRead, 'subscriber'> {
  return subscriber ? { subscriber: subscriber.name } : {}
}
