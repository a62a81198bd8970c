import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { SubscribeOptions } from './bus.ts'
import type { Cancellation } from './cancellation.ts'
import { checkFunction } from './check-function.ts'
import type { TimerOwner } from './clock-readings.ts'
import { Commands } from './commands.ts'
import { Core, type BusState } from './core.ts'
import { DeadLetterBox } from './dead-letters.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import { Events } from './events.ts'
import type { Handler } from './handler-table.ts'
import type { BusSnapshot } from './inspect.ts'
import type { Journal } from './journal.ts'
import { Listening } from './listening.ts'
import { Mailroom } from './mailroom.ts'
import type { Dispatcher, Origin } from './message-scope.ts'
import { Outside } from './outside.ts'
import type { Publication } from './publication.ts'
import type { Receipt } from './receipt.ts'
import type { Schedulable, Scheduled, Timing } from './schedule.ts'
import { recordedInput } from './routes.ts'
import type { Replaying } from './replaying.ts'
import { Scheduler } from './scheduler.ts'
import type { ExecuteOptions } from './scope.ts'
import type { Subscriber } from './subscriber.ts'
import type { AnySubscriber, Selector } from './subscribing.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** The parts of a bus, put together: what its public face, its sessions and its scopes call. */
export class Dispatch implements Dispatcher {
  readonly core: Core
  readonly commands: Commands
  readonly events: Events
  readonly mailroom: Mailroom
  readonly letters: DeadLetterBox
  readonly scheduler: Scheduler
  readonly listening: Listening
  /** Asked to look whether everything has ended. */
  onChange: () => void = () => undefined

  constructor(parts: {
    journal: Journal | undefined
    environment: Environment
    root: Cancellation
    maxDepth: number
    deadLetters: number
    replaying: Replaying | undefined
  }) {
    const core = new Core(parts)
    const onIdle = (): void => {
      if (core.state !== 'running') this.onChange()
    }
    this.core = core
    this.letters = new DeadLetterBox({
      core,
      capacity: parts.deadLetters,
      redelivery: {
        subscribers: (type, session) => this.events.listeners.reachedBy(type, session),
        event: async (letter, subscriber, original) => {
          const { message, origin } = original ?? this.events.again(letter)
          const receipt = this.events.redeliver(message, letter.key, origin, subscriber, letter.id)
          return (await receipt.settled).delivered === 1
        },
        command: async ({ type, data, session }) => this.#executeByType(type, data, session),
      },
    })
    this.mailroom = new Mailroom({
      environment: parts.environment,
      recorder: core.recorder,
      cancellation: parts.root,
      probes: core.probes,
      letters: this.letters,
      onionFor: (type) => core.routes.onionFor(type),
      onIdle,
    })
    this.events = new Events({ core, dispatcher: this, mailroom: this.mailroom, letters: this.letters })
    this.commands = new Commands({ core, dispatcher: this, onIdle })
    this.listening = new Listening({ core, events: this.events })
    this.scheduler = new Scheduler({
      core,
      send: (definition, entry) => this.#sendScheduled(definition, entry),
    })
  }

  get environment(): Environment {
    return this.core.environment
  }

  get state(): BusState {
    const { state } = this.core
    return state === 'draining' && this.mailroom.waiting === 0 ? 'settling' : state
  }

  get idle(): boolean {
    return this.mailroom.pending === 0 && this.commands.idle
  }

  inspect(): BusSnapshot {
    const running = [...this.commands.runs].map(({ message: { id, type, session, time }, by }) => ({
      id,
      type,
      session,
      since: time,
      by,
    }))
    const { delivering, queued } = this.mailroom
    return { state: this.state, running, delivering, queued }
  }

  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: Handler<Input, Output>,
    session: string | undefined,
  ): Unsubscribe {
    checkFunction('handler', handler)
    return this.commands.handlers.add(this.core.routes.command(command).command, handler, session)
  }

  on(
    selector: Selector,
    subscriber: AnySubscriber,
    options: SubscribeOptions | undefined,
    session: string | undefined,
  ): Unsubscribe {
    checkFunction('subscriber', subscriber)
    return this.events.on(selector, subscriber, options, session)
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>> {
    return this.commands.execute(command, input, origin, options)
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt {
    return this.events.publish(event, data, origin)
  }

  schedule(message: Schedulable, data: unknown, timing: Timing, origin: Origin): Promise<Scheduled> {
    return this.scheduler.add(message, data, timing, origin)
  }

  giveUpBelow(cancellation: Cancellation, reason: BuslineError): void {
    this.commands.giveUpBelow(cancellation, reason)
  }

  behind(subscriber: Subscriber, publication: Publication): Publication[] {
    return this.mailroom.behind(subscriber, subscriber.keyOf(publication))
  }

  readClock(owner: TimerOwner): number {
    return this.core.clock.read(owner)
  }

  setTimer(owner: TimerOwner, ms: number, run: () => void): Unsubscribe {
    return this.core.clock.after(owner, ms, run)
  }

  recorded({ type, data }: Message): unknown {
    const { routes, redactor } = this.core
    const definition = routes.definition(type)
    const form =
      definition?.kind === 'command'
        ? recordedInput(routes.command(definition), data, redactor.redact)
        : routes.masked(type, data)
    const json = redactor.json(form)
    return json === undefined ? undefined : JSON.parse(json)
  }

  /** What a schedule sends; a command that fails has no caller to tell, so it becomes a dead letter. */
  #sendScheduled(
    definition: Schedulable,
    { data, session }: { data: unknown; session: string | undefined },
  ): string {
    const origin = new Outside(this.core.root, session)
    const message = this.core.nextRootId
    if (definition.kind === 'event') return this.publish(definition, data, origin).id
    const { type } = definition
    this.execute(definition, data, origin).catch((error: unknown) =>
      this.letters.addCommand({ type, message, session, data, error }),
    )
    return message
  }

  async #executeByType(type: string, data: unknown, session: string | undefined): Promise<unknown> {
    const definition = this.core.routes.definition(type)
    if (definition?.kind === 'command')
      return this.execute(definition, data, new Outside(this.core.root, session))
    throw new BuslineError('NO_HANDLER', `No handler for ${type}. Register one before redriving.`, {
      data: { type },
    })
  }
}
