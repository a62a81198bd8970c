import { AsyncLocalStorage } from 'node:async_hooks'
import type { JournalRecord } from '../bus/journal.ts'
import { MessageBus } from '../bus/message-bus.ts'
import { selects } from '../bus/pattern.ts'
import type { Replaying } from '../bus/replaying.ts'
import { ScheduleFiredNote } from '../bus/restored-notes.ts'
import { unsubscribe } from '../bus/unsubscribe.ts'
import { upcastRecord } from '../journal/upcast-records.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { HeldAnswers } from './held-answers.ts'
import { KNOWN_MESSAGES } from './known-messages.ts'
import type { RecordedRun } from './recorded-run.ts'
import { ReplayClock } from './replay-clock.ts'
import { ReplayJournal } from './replay-journal.ts'
import type { ReplayPlan } from './replay-plan.ts'
import { WaitingAnswers } from './waiting-answers.ts'

/** A bus with the ids, the time and the answers of a recorded run. */
export class ReplayedBus implements Replaying {
  readonly prefix: string
  roots = 0
  readonly bus: MessageBus
  readonly journal: ReplayJournal
  readonly clock: ReplayClock
  readonly answers: WaitingAnswers
  readonly held: HeldAnswers
  #run: RecordedRun
  #plan: ReplayPlan
  /** What waits to be sent, by schedule. */
  #sends = new Map<string, () => void>()
  /** The id of the message whose handler or subscriber runs. */
  #running = new AsyncLocalStorage<string>()

  constructor(run: RecordedRun, plan: ReplayPlan) {
    const { mode, nextSeq, newId, random } = plan
    this.prefix = run.run
    this.#run = run
    this.#plan = plan
    this.held = new HeldAnswers(run)
    this.journal = new ReplayJournal(run, { mode, nextSeq, today: this.today })
    this.clock = new ReplayClock(this.journal, () => this.#running.getStore())
    const { journal, clock, definition, today } = this
    this.answers = new WaitingAnswers({ run, journal, clock, definition, today })
    this.bus = new MessageBus({
      journal: this.journal,
      now: this.clock.now,
      after: this.clock.after,
      ...(newId && { newId }),
      ...(random && { random }),
      replaying: this,
    })
  }

  readonly definition = (type: string): CommandDefinition | EventDefinition | undefined =>
    this.bus.definition(type) ?? KNOWN_MESSAGES.get(type)

  /** A recorded line as today's definition wants it; one of a later version stays as it is, and differs. */
  readonly today = (record: JournalRecord): JournalRecord => {
    const definition = this.definition(record.type)
    const { version = 1 } = record
    const isOlder = definition && typeof version === 'number' && version < definition.version
    return isOlder ? upcastRecord(record, definition) : record
  }

  time(): number {
    return this.clock.time ?? this.journal.time
  }

  noteTimeRead(...[{ id }, note, data]: Parameters<Replaying['noteTimeRead']>): boolean {
    const read = this.journal.timeReadBy(id, data)
    // Readings were not numbered once.
    if (read) this.clock.at(read.record.time, () => note(read.record.data === undefined ? undefined : data))
    return read !== undefined
  }

  setTimer(
    ...[{ message, subscriber, late }, ms, run]: Parameters<Replaying['setTimer']>
  ): ReturnType<Replaying['setTimer']> {
    const { id: owner } = message
    const lateNote = late && this.#run.noteOfTimer(owner, late)
    const whose = {
      owner,
      subscriber: subscriber?.name,
      isSleep: true,
      isNoted: late !== undefined,
      lateNote,
    }
    return unsubscribe(this.clock.setTimer(whose, ms, run))
  }

  whenDue(schedule: string, send: () => void): ReturnType<Replaying['whenDue']> {
    this.#sends.set(schedule, send)
    return unsubscribe(() => void this.#sends.delete(schedule))
  }

  /** Sends what a schedule has to send; false if the app has made no such schedule. */
  sendScheduled(schedule: string): boolean {
    const send = this.#sends.get(schedule)
    this.#sends.delete(schedule)
    send?.()
    return send !== undefined
  }

  dueAfter(schedule: string): number | undefined {
    const fired = ScheduleFiredNote.safeParse(this.#run.firingOf(schedule)?.record.data)
    return fired.success ? fired.data.next : undefined
  }

  handlerFor(
    ...[message, command]: Parameters<Replaying['handlerFor']>
  ): ReturnType<Replaying['handlerFor']> {
    return this.#isAnswered(command) ? this.answers.handler(message, command) : undefined
  }

  toldBefore(...[by, type, data]: Parameters<Replaying['toldBefore']>): ReturnType<Replaying['toldBefore']> {
    return this.answers.toldBefore(by, type, data)
  }

  around(...[message, run]: Parameters<Replaying['around']>): unknown {
    const isEffect = this.#isEffect(message.type)
    const work = (): unknown => this.#running.run(message.id, () => this.#plan.around(message, run, isEffect))
    const isHeld = isEffect && this.#run.resultOf(message.id) !== undefined
    return isHeld ? this.held.hold(message, startedBy(work)) : work()
  }

  /** Ends what waits: what fails now has nothing to do with the run any more. */
  async end(): Promise<void> {
    this.journal.end()
    this.clock.release()
    this.held.releaseAll()
    this.answers.endAll(new BuslineError('REPLAY_DIVERGED', 'The replay has ended.'))
    await this.bus.stop({ deadline: 0 }).catch(() => undefined)
  }

  #isAnswered({ type, effect }: CommandDefinition): boolean {
    const { live, answered } = this.#plan
    if (live.some((pattern) => selects(pattern, type))) return false
    return effect || type.startsWith('session.') || answered.some((pattern) => selects(pattern, type))
  }

  #isEffect(type: string): boolean {
    const definition = this.definition(type)
    return definition?.kind === 'command' && definition.effect
  }
}

/** What it returns; what it throws, as a promise. */
async function startedBy(work: () => unknown): Promise<unknown> {
  return await work()
}
