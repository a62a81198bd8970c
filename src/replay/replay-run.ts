// Longer than 200 lines: what a replay does next, by the one line that the journal has next.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Participant } from '../bus/bus.ts'
import { MessageBus } from '../bus/message-bus.ts'
import { selects } from '../bus/pattern.ts'
import type { Replaying } from '../bus/replaying.ts'
import { upcastRecord } from '../journal/upcast-records.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { JournalRecord } from '../bus/journal.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { Inbound } from './inbound.ts'
import { KNOWN_MESSAGES } from './known-messages.ts'
import { isAbandoned, isBrokenOff, isCleanedUp, type Expected, type RecordedRun } from './recorded-run.ts'
import { ReplayClock } from './replay-clock.ts'
import { ReplayJournal } from './replay-journal.ts'
import { WaitingAnswers } from './waiting-answers.ts'

/** What a replay of one run needs to know. */
export interface ReplayPlan {
  readonly app: Participant
  readonly mode: 'strict' | 'keep-going'
  /** Types, or patterns of them, whose handlers run although they are effects. */
  readonly live: readonly string[]
  /** The same for commands that the journal answers although they are none. */
  readonly answered: readonly string[]
  /** Real milliseconds to wait for a line that the app has to write by itself. */
  readonly patience: number
  readonly newId: (() => string) | undefined
  readonly random: (() => number) | undefined
  /** Awaited before each thing that the replay brings about. */
  readonly pause: ((line: number) => Promise<void>) | undefined
  readonly signal: AbortSignal | undefined
  /** Runs a handler or subscriber; that of an effect may touch the world. */
  readonly around: (message: { type: string; id: string }, run: () => unknown, isEffect: boolean) => unknown
  /** Where `seq` goes on. */
  readonly nextSeq: number
}

/** A timer of the recorded run may have rung so many milliseconds late. */
const LATE_MS = 50

/** Clocks tell whole milliseconds: a line may have been written so much later. */
const TICK_MS = 1

/** Timers and copies that one line may take, and divergences after which a replay has nothing more to tell. */
const MOST_ROUNDS = 10_000
const MOST_DIVERGENCES = 10_000

const AFTER_A_MISS_MS = 20

/** Runs one run again. Returns the journal that this wrote. */
export async function replayRun(run: RecordedRun, plan: ReplayPlan): Promise<ReplayJournal> {
  const replay = new RunReplay(run, plan)
  return await replay.play()
}

class RunReplay implements Replaying {
  readonly prefix: string
  rootsCopied = 0
  #run: RecordedRun
  #plan: ReplayPlan
  #journal: ReplayJournal
  #clock: ReplayClock
  #answers: WaitingAnswers
  #inbound: Inbound
  #bus: MessageBus
  /** The id of the message whose handler or subscriber runs. */
  #running = new AsyncLocalStorage<string>()
  #isOver = false
  #rounds = 0
  #roundsAt: Expected | undefined
  #stopping = false
  /** The line whose message was sent last. */
  #sent: Expected | undefined
  /** The place at which the last effect below a root begins. */
  #lastEffects: Map<string, number> | undefined
  /** How much was written when a line was missing. */
  #missed = -1

  constructor(run: RecordedRun, plan: ReplayPlan) {
    this.prefix = run.run
    this.#run = run
    this.#plan = plan
    this.#journal = new ReplayJournal(run, {
      nextSeq: plan.nextSeq,
      today: (record) => this.#today(record),
      onDivergence: () => {
        if (plan.mode === 'strict') this.#isOver = true
      },
    })
    this.#clock = new ReplayClock(this.#journal, () => this.#running.getStore())
    const parts = {
      run,
      journal: this.#journal,
      clock: this.#clock,
      bus: () => this.#bus,
      definition: (type: string) => this.#definition(type),
      today: (record: JournalRecord) => this.#today(record),
    }
    this.#answers = new WaitingAnswers(parts)
    this.#inbound = new Inbound(parts)
    const { newId, random } = plan
    this.#bus = new MessageBus({
      journal: this.#journal,
      now: this.#clock.now,
      after: this.#clock.after,
      ...(newId && { newId }),
      ...(random && { random }),
      replaying: this,
    })
  }

  async play(): Promise<ReplayJournal> {
    const { signal } = this.#plan
    try {
      this.#bus.attach(this.#plan.app)
      await this.#quiet()
      for (let next = this.#journal.next; next && !this.#isOver; next = this.#journal.next) {
        signal?.throwIfAborted()
        this.#boundRunaway(next)
        await this.#plan.pause?.(next.line)
        await this.#quiet()
        // What the pause or the quiet brought about comes first.
        if (this.#journal.next !== next || this.#isOver) continue
        if (isAbandoned(next.record) && this.#isStop(next)) await this.#stop()
        else if (!this.#act(next)) await this.#wait(next)
      }
      // A run that was killed has no end; what comes after it now is no difference.
      if (!this.#isOver && this.#run.hasEnded) await this.#quiet()
    } finally {
      await this.#end()
    }
    return this.#journal
  }

  time(): number {
    return this.#clock.time ?? this.#journal.time
  }

  noteTimeRead(...[{ id }, note]: Parameters<Replaying['noteTimeRead']>): boolean {
    const read = this.#journal.timeReadBy(id)
    if (read) this.#clock.at(read.record.time, note)
    return read !== undefined
  }

  handlerFor(
    ...[message, command]: Parameters<Replaying['handlerFor']>
  ): ReturnType<Replaying['handlerFor']> {
    return this.#isAnswered(command) ? this.#answers.handler(message, command) : undefined
  }

  toldBefore(...[by, type, data]: Parameters<Replaying['toldBefore']>): ReturnType<Replaying['toldBefore']> {
    return this.#answers.toldBefore(by, type, data)
  }

  around(...[message, run]: Parameters<Replaying['around']>): unknown {
    return this.#running.run(message.id, () => this.#plan.around(message, run, this.#isEffect(message.type)))
  }

  #isAnswered({ type, effect }: CommandDefinition): boolean {
    const { live, answered } = this.#plan
    if (live.some((pattern) => selects(pattern, type))) return false
    return effect || type.startsWith('session.') || answered.some((pattern) => selects(pattern, type))
  }

  #definition(type: string): CommandDefinition | EventDefinition | undefined {
    return this.#bus.definition(type) ?? KNOWN_MESSAGES.get(type)
  }

  /** A recorded line as today's definition wants it; one of a later version stays as it is, and differs. */
  #today(record: JournalRecord): JournalRecord {
    const definition = this.#definition(record.type)
    const { version = 1 } = record
    const isOlder = definition && typeof version === 'number' && version < definition.version
    return isOlder ? upcastRecord(record, definition) : record
  }

  /** An app that does something else for ever would never come to an end of its own. */
  #boundRunaway(next: Expected): void {
    this.#rounds = next === this.#roundsAt ? this.#rounds + 1 : 0
    this.#roundsAt = next
    if (this.#rounds > MOST_ROUNDS) this.#journal.skip(next)
    if (this.#journal.divergences.length > MOST_DIVERGENCES) this.#isOver = true
  }

  /** Brings the next line about, if that is for the replay to do; whether it did something. */
  #act(next: Expected): boolean {
    const { record } = next
    if (this.#clock.ring(this.#due(next))) return true
    if (isBrokenOff(record)) {
      if (this.#inbound.cancelFor(next)) return true
      if (this.#answers.signalOf(record)?.aborted === false) {
        if (this.#clock.ring(record.time + LATE_MS)) return true
        if (isCleanedUp(record) && this.#inbound.cancelAbove(next)) return true
      }
    }
    if (this.#answers.take(next)) return true
    return isInbound(record) && this.#inject(next)
  }

  /**
   * Until when timers have rung before a line was written. One may ring late, so an answer may have been faster than a timer
   * that was due already; what a schedule sends is sent by a timer.
   */
  #due({ record }: Expected): number {
    if (!isInbound(record)) return record.time - LATE_MS
    const isScheduled = record.id !== undefined && this.#run.scheduled.has(record.id)
    return record.time + (isScheduled ? LATE_MS : -TICK_MS)
  }

  #inject(next: Expected): boolean {
    // Sent, and it wrote something else: once is enough.
    if (this.#sent === next) return false
    this.#sent = next
    const injected = this.#inbound.inject(next)
    if (injected === 'opaque') {
      this.#answers.copy(next)
      if (next.record.kind !== 'note') this.rootsCopied++
    }
    if (injected === 'unknown') {
      this.rootsCopied++
      const why = `The app handles no ${next.record.type}.`
      this.#journal.skip(next, { replayed: why })
      // With all that it caused: there is nothing to compare it with.
      if (!this.#isOver && next.record.id !== undefined) this.#skipBelow(next.record.id)
    }
    // What came at once comes at once again, before anything that the first of them causes.
    const after = this.#journal.next
    if (
      after &&
      after !== next &&
      !this.#isOver &&
      (isMessage(after.record) || this.#run.isOfEarlierSchedule(after.record)) &&
      !this.#run.scheduled.has(after.record.id ?? '')
    )
      this.#inject(after)
    return true
  }

  /** The app has to write the next line by itself, now, at a timer, or when something real has ended. */
  async #wait(next: Expected): Promise<void> {
    const { written } = this.#journal
    const isThere = (): boolean => this.#journal.written !== written || this.#isOver
    const { time, root = '' } = next.record
    // What was cancelled begins nothing any more that touches the world.
    if (!this.#beginsAnEffect(root, next.place) && this.#inbound.cancel(root)) return
    if (this.#clock.ring(time + TICK_MS) || this.#answerBehind(next)) return
    if (this.#inbound.cancel(root)) return
    // No later timer rang if the bus had stopped by then.
    if (next.record.kind === 'note' && this.#isStop(next) && (await this.#stop())) return
    if (this.#clock.ring(time + LATE_MS)) return
    // Once a line was missing, the next ones are likely to be: nobody waits as long for each.
    const end =
      performance.now() +
      (this.#missed === written ? Math.min(AFTER_A_MISS_MS, this.#plan.patience) : this.#plan.patience)
    while (performance.now() < end) {
      await this.#soon()
      this.#plan.signal?.throwIfAborted()
      if (isThere()) return
    }
    if (this.#isStop(next) && (await this.#stop())) return
    this.#missed = written
    this.#journal.skip(next)
  }

  /** A middleware may read the clock because an answer has come, before that has a line. */
  #answerBehind(next: Expected): boolean {
    if (next.record.type !== 'bus.timeRead') return false
    const behind = this.#run.lines.slice(next.place).find(({ record }) => record.type !== 'bus.timeRead')
    return behind !== undefined && !behind.done && this.#answers.take(behind)
  }

  /** Whether the lines that are left may be those of the run's stop. */
  #isStop({ place }: Expected): boolean {
    if (this.#stopping) return false
    for (let at = place, line = this.#run.lines[at]; line; line = this.#run.lines[++at])
      if (!line.done && !isOfStop(line.record)) return false
    return true
  }

  /** Stops the bus as the run did; whether that wrote anything. */
  async #stop(): Promise<boolean> {
    const { written } = this.#journal
    this.#stopping = true
    this.#clock.release()
    const stop = { isOver: false }
    void this.#bus
      .stop({ deadline: 0 })
      .catch(() => undefined)
      .finally(() => (stop.isOver = true))
    while (this.#journal.written === written && !stop.isOver) await this.#soon()
    return this.#journal.written !== written
  }

  /** Whether an effect begins below a message, here or later. */
  #beginsAnEffect(root: string, place: number): boolean {
    this.#lastEffects ??= new Map(
      this.#run.lines
        .filter(
          ({ record: { kind, type } }) =>
            kind === 'command' && !type.startsWith('session.') && this.#isEffect(type),
        )
        .map((line) => [line.record.root ?? '', line.place]),
    )
    return (this.#lastEffects.get(root) ?? -1) >= place
  }

  #isEffect(type: string): boolean {
    const definition = this.#definition(type)
    return definition?.kind === 'command' && definition.effect
  }

  async #soon(): Promise<true> {
    await new Promise((resolve) => setTimeout(resolve, 1))
    return true
  }

  /** Waits until whoever can go on has gone on. */
  async #quiet(): Promise<void> {
    for (let rounds = 0, { written } = this.#journal; rounds < 2; rounds++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#journal.written === written) continue
      written = this.#journal.written
      rounds = -1
    }
  }

  #skipBelow(id: string): void {
    const isBelow = ({ record }: Expected): boolean => record.root === id || record.of === id
    for (const line of this.#run.lines) if (!line.done && isBelow(line)) line.done = true
  }

  async #end(): Promise<void> {
    this.#journal.end()
    this.#isOver = true
    this.#clock.release()
    this.#answers.endAll(new BuslineError('REPLAY_DIVERGED', 'The replay has ended.'))
    // What fails now has nothing to do with the run any more.
    await this.#bus.stop({ deadline: 0 }).catch(() => undefined)
  }
}

/** What no other message caused: it came from outside, or from what somebody set a timer for. */
function isInbound({ kind, type, cause }: JournalRecord): boolean {
  return cause === undefined && (kind === 'command' || kind === 'event' || NOTES_FROM_OUTSIDE.has(type))
}

const NOTES_FROM_OUTSIDE = new Set([
  'bus.scheduled',
  'bus.scheduleFired',
  'bus.scheduleEnded',
  'bus.scheduleRenamed',
  'bus.rejected',
])

function isMessage({ kind, cause }: JournalRecord): boolean {
  return cause === undefined && (kind === 'command' || kind === 'event')
}

/** What a bus writes about work that it gives up. */
function isOfStop(record: JournalRecord): boolean {
  return isBrokenOff(record) || (record.kind === 'note' && record.type !== 'bus.scheduled')
}
