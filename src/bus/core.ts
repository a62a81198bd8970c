import { BuslineError } from '../messages/busline-error.ts'
import type { Cancellation } from './cancellation.ts'
import { checkFunction } from './check-function.ts'
import { ClockReadings } from './clock-readings.ts'
import type { Environment } from './environment.ts'
import type { Message } from './envelope.ts'
import type { Journal } from './journal.ts'
import type { MessageScope } from './message-scope.ts'
import { Probes } from './probes.ts'
import { Recorder } from './recorder.ts'
import { Redactor } from './redactor.ts'
import type { Replaying } from './replaying.ts'
import { Routes } from './routes.ts'
import { StreamBatches } from './stream-batches.ts'

/**
 * - `running`: accepts everything;
 * - `draining`: refuses calls from outside, accepts what running work causes, delivers what is queued;
 * - `settling`: nothing is queued any more, running work has until the deadline;
 * - `cancelling`: the deadline has passed, signals are aborted, handlers clean up;
 * - `flushing`: participants leave, the journal is written;
 * - `stopped`: refuses everything.
 */
export type BusState = 'running' | 'draining' | 'settling' | 'cancelling' | 'flushing' | 'stopped'

/** What the sending of commands and the publishing of events have in common. */
export class Core {
  readonly environment: Environment
  readonly routes = new Routes()
  readonly redactor = new Redactor()
  readonly recorder: Recorder
  readonly clock: ClockReadings
  readonly batches: StreamBatches
  readonly probes: Probes
  readonly root: Cancellation
  /** The time of a message, or of a line, that comes into being. */
  readonly stamp: () => number
  readonly prefix: string
  readonly replaying: Replaying | undefined
  state: BusState = 'running'
  #maxDepth: number
  #roots = 0

  constructor(parts: {
    journal: Journal | undefined
    environment: Environment
    root: Cancellation
    maxDepth: number
    replaying: Replaying | undefined
  }) {
    const { environment } = parts
    if (parts.journal) claim(parts.journal)
    this.environment = environment
    this.replaying = parts.replaying
    this.root = parts.root
    // Drawn all the same: ids that were injected are counted from here.
    const drawn = environment.newId()
    this.stamp = parts.replaying ? () => parts.replaying?.time() ?? environment.now() : environment.now
    this.prefix = checkId(parts.replaying?.prefix ?? drawn)
    this.#maxDepth = parts.maxDepth
    this.recorder = new Recorder({
      journal: parts.journal,
      now: this.stamp,
      redactor: this.redactor,
      run: this.prefix,
    })
    this.clock = new ClockReadings({
      environment,
      recorder: this.recorder,
      replaying: parts.replaying,
      isEffect: (message) => this.#isEffect(message),
    })
    this.batches = new StreamBatches({ recorder: this.recorder, redactor: this.redactor, environment })
    this.probes = new Probes(environment, this.recorder)
  }

  #isEffect({ type }: Message): boolean {
    const definition = this.routes.definition(type)
    return definition?.kind === 'command' && definition.effect
  }

  rootId(): string {
    const { replaying } = this
    return `${this.prefix}-${replaying ? ++replaying.roots : ++this.#roots}`
  }

  /** What {@link Core.rootId} will return next. */
  get nextRootId(): string {
    return `${this.prefix}-${(this.replaying?.roots ?? this.#roots) + 1}`
  }

  /** Why a message is not accepted in this state; undefined while it is. */
  refusal(type: string, from: MessageScope | undefined): BuslineError | undefined {
    // What was abandoned may still go on, but nobody waits any more for what it causes.
    const isOver = this.state === 'flushing' || this.state === 'stopped'
    if (this.state === 'running' || (from && !isOver)) return undefined
    return new BuslineError('BUS_STOPPED', `The bus is stopping or stopped; ${type} was not accepted.`, {
      data: { type },
    })
  }

  /** Why a message must not follow on another: the chain that would not end is as long as is allowed. */
  tooDeep(type: string, from: MessageScope): BuslineError | undefined {
    if (from.message.depth < this.#maxDepth - 1) return undefined
    const cycle = cycleOf(type, from)
    const names = cycle.length > 1 ? ` The circle: ${cycle.join(' → ')}.` : ''
    return new BuslineError(
      'TOO_DEEP',
      `${type} would be message ${this.#maxDepth + 1} of one chain of causes.${names} End it, begin a new chain with bus.execute or bus.publish, or allow more with maxDepth.`,
      { data: { type, maxDepth: this.#maxDepth, cycle } },
    )
  }
}

const taken = new WeakSet<Journal>()

/** Two buses would write two counts of `seq` into one file, and one that has stopped has closed it. */
function claim(journal: Journal): void {
  // Looked at, not called.
  // oxlint-disable-next-line typescript/unbound-method
  checkFunction('journal.append', journal.append)
  if (taken.has(journal))
    throw new BuslineError(
      'JOURNAL_IN_USE',
      'This journal belongs to another bus, which closes it at its stop. Open one for each bus.',
    )
  taken.add(journal)
}

/** Ids stand in the journal as they are, so they must not need escaping. */
function checkId(id: string): string {
  if (/^[\w-]+$/.test(id)) return id
  throw new BuslineError(
    'INVALID_OPTION',
    `newId must return letters and digits, not ${JSON.stringify(id)}.`,
    {
      data: { option: 'newId' },
    },
  )
}

/** The types from the last message of this type down to the next one; only the type when it is the first. */
function cycleOf(type: string, from: MessageScope): string[] {
  const way = [type]
  for (let at: MessageScope | undefined = from; at; at = at.parent ?? at.publication?.origin.from) {
    way.unshift(at.message.type)
    if (at.message.type === type) return way
  }
  return [type]
}
