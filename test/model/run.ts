// Longer than 200 lines: what each deed of a program does to the real bus and to the model is one table.
import {
  BuslineError,
  DeliveryFailed,
  type DeliveryEnd,
  type Middleware,
  type Receipt,
  type Scope,
  type StopReport,
} from 'busline'
import { COMMANDS, EVENTS, type Data } from './messages.ts'
import { isInDelivery, type ModelDelivery, type ModelEvent, type ModelMessage } from './model-bus.ts'
import type { Act, Script } from './program.ts'
import type { TestedPlace } from './tested-bus.ts'
import type { World } from './world.ts'

const OVERFLOWS = ['reject', 'wait', 'drop-oldest', 'drop-newest', 'coalesce'] as const
const NOTHING: Script = { slow: false, steps: [], end: 'returns' }
/** Messages that one program may send, because scripts send scripts. */
const BUDGET = 40
/** Handlers, subscribers and middlewares that one program may register, because scripts register too. */
const REGISTRATIONS = 24
/** After so many turns of the loop in which nothing comes to the scheduler, nothing will: the bus yields by one at most. */
const QUIET_TURNS = 3
const NO_ACT = { script: 0, how: 0 }

type Sending = Pick<Act, 'what' | 'script' | 'how'>

interface Place {
  readonly real: TestedPlace
  readonly session: string | undefined
  /** Has a signal, so that what is sent through it can be cancelled. */
  readonly limited: boolean
  readonly dispose: () => void
  open: boolean
}

/** Who does something: a place outside, or whoever got a message. */
interface Actor {
  readonly real: Pick<TestedPlace, 'execute' | 'publish'>
  readonly place: Place
  /** The message that it got, undefined outside. */
  readonly from: ModelMessage | undefined
  readonly scope: Scope | undefined
  /** Scripts from here on are for whoever gets what it sends. */
  readonly level: number
}

interface Registration {
  readonly place: Place
  /** Takes it back in the model; the same twice. */
  readonly forget: () => void
  readonly off: () => void
}

/** One run of a program: does every deed to the real bus and to the model, and has the referee compare. */
export class Run {
  #world: World
  #scripts: readonly Script[]
  #bounded: boolean
  #places: Place[]
  #registrations: Registration[] = []
  #controllers: AbortController[] = []
  #receipts: { event: ModelEvent; receipt: Receipt }[] = []
  #data = new Map<string, Data>()
  #unsettled = 0
  #hung = false
  #budget = BUDGET
  #names = 0
  #report: StopReport | undefined

  /**
   * @param program.bounded mailboxes are small, and there are no middlewares: of a delivery that is inside of one the
   * model can't tell that it has left its mailbox
   */
  constructor(world: World, program: { scripts: readonly Script[]; bounded: boolean }) {
    const { bus, referee } = world
    this.#world = world
    this.#scripts = program.scripts
    this.#bounded = program.bounded
    this.#places = [{ real: bus, session: undefined, limited: false, open: true, dispose: () => undefined }]
    bus.probe({ deliveryEnded: (message, end) => referee.deliveryEnded(message, end) })
  }

  /** Does something from outside, and waits for nothing. */
  do(act: Act): void {
    const place = this.#places[act.at % this.#places.length]
    if (place) void this.#act(act, { real: place.real, place, from: undefined, scope: undefined, level: 0 })
  }

  /** Lets everything end, stops the bus if the program has not, and returns how bus and model differ. */
  async conclude(): Promise<readonly string[]> {
    const { bus, referee, timers } = this.#world
    await this.#settle()
    if (!referee.stopping) {
      referee.must(this.#hung || (referee.quiet && this.#unsettled === 0), 'all ends that nothing holds up')
      for (const registration of this.#registrations.toReversed()) this.#leave(registration)
      this.#sendEverywhere()
      await this.#settle()
    }
    this.#stop()
    await this.#settle()
    const report = this.#report
    if (!report) return [...referee.differences, 'stop ends']
    referee.conclude(report)
    referee.must((await bus.stop()) === report, 'a second stop gives the same report')
    referee.must(bus.state === 'stopped', 'a stopped bus says so')
    referee.must(timers.size === 0, 'no timer is left')
    this.#sendEverywhere()
    await this.#settle()
    referee.must(this.#unsettled === 0, 'every execute settles')
    await this.#compareReceipts()
    return referee.differences
  }

  #act(act: Act, actor: Actor): unknown {
    const deeds: Readonly<Record<Act['do'], () => unknown>> = {
      execute: () => this.#execute(act, actor),
      publish: () => this.#publish(act, actor),
      handle: () => this.#handle(act, actor.place),
      on: () => this.#on(act, actor.place),
      use: () => (this.#bounded ? undefined : this.#use(act)),
      open: () => this.#open(act),
      dispose: () => this.#dispose(act),
      leave: () => this.#leave(this.#registrations[act.what % this.#registrations.length]),
      abort: () => this.#controllers[act.what % this.#controllers.length]?.abort(),
      stop: () => (act.how < 3 ? this.#stop() : undefined),
      pause: () => this.#pause('pause'),
      sleep: () => actor.scope?.sleep(act.how * 10),
    }
    return deeds[act.do]()
  }

  /** Resolves, when it has ended, to its error if it has one. */
  #execute({ what, script, how }: Sending, actor: Actor): Promise<unknown> | undefined {
    const { bus, referee } = this.#world
    const { real, place, from } = actor
    const command = COMMANDS[what % COMMANDS.length]
    if (this.#budget-- <= 0 || !command) return undefined
    const data = this.#dataFor(script, how, actor)
    const options = how === 1 ? { timeout: 50 } : how === 2 ? { signal: this.#newSignal() } : {}
    const gone = !from && !place.open ? 'SCOPE_DISPOSED' : bus.state === 'stopped' ? 'BUS_STOPPED' : undefined
    if (gone)
      return this.#settles(real.execute(command, data, options), (code) =>
        referee.must(code === gone, `what is not accepted ends with ${gone}, not with ${code}`),
      )

    const sent = referee.model.command(command.type, from, place.session, {
      limited: how === 1 || how === 2 || (!from && place.limited),
      startsTurn: command.startsTurn,
    })
    referee.know(sent)
    this.#data.set(sent.id, data)
    if (!referee.accepts(from)) sent.planned = 'BUS_STOPPED'
    else if (data.script < 0) sent.planned = 'VALIDATION_FAILED'
    else if (sent.handler === undefined) sent.planned = 'NO_HANDLER'
    if (sent.planned) sent.handler = undefined
    return this.#settles(real.execute(command, data, options), (code) => referee.settled(sent, code))
  }

  #publish({ what, script, how }: Sending, actor: Actor): Promise<unknown> | undefined {
    const { referee } = this.#world
    const { real, place, from } = actor
    const event = EVENTS[what % EVENTS.length]
    if (this.#budget-- <= 0 || !event) return undefined
    const data = this.#dataFor(script, how, actor)
    const refusal = this.#refusalOf(data, actor)
    if (refusal && refusal !== 'SCOPE_DISPOSED' && this.#world.bus.state !== 'stopped') referee.refused++
    const sent = refusal ? undefined : referee.model.event(event.type, from, place.session, event.key?.(data))
    if (sent) {
      referee.know(sent)
      this.#data.set(sent.id, data)
    }
    try {
      const receipt = real.publish(event, data)
      referee.must(
        receipt.id === sent?.id,
        `the receipt is that of ${sent?.id ?? refusal}, not ${receipt.id}`,
      )
      if (sent) this.#receipts.push({ event: sent, receipt })
      return from && how === 3 ? this.#awaitSettled(receipt, from) : undefined
    } catch (error) {
      referee.must(codeOf(error) === refusal, `publish ends with ${refusal}, not with ${codeOf(error)}`)
      return undefined
    }
  }

  #refusalOf({ script }: Data, { from, place }: Actor): string | undefined {
    if (!from && !place.open) return 'SCOPE_DISPOSED'
    if (!this.#world.referee.accepts(from)) return 'BUS_STOPPED'
    return script < 0 ? 'VALIDATION_FAILED' : undefined
  }

  #handle({ what }: Act, place: Place): void {
    const { referee } = this.#world
    const { handlers } = referee.model
    const command = COMMANDS[what % COMMANDS.length]
    if (!command) return
    const entry = { name: `handler-${++this.#names}`, type: command.type, session: place.session }
    const handler = (_: unknown, scope: Scope): string | Promise<string> => {
      const sent = referee.handled(scope.message.id, entry.name)
      return sent
        ? this.#play(sent, scope, place, 0, (code) => {
            sent.planned = code === 'wrong' ? 'INVALID_OUTPUT' : code
          })
        : 'done'
    }
    const taken = handlers.some(({ type, session }) => type === entry.type && session === entry.session)
    this.#register(place, taken ? 'DUPLICATE_HANDLER' : undefined, () => {
      const off = place.real.handle(command, handler)
      handlers.push(entry)
      return {
        off,
        forget: () => void (handlers.includes(entry) && handlers.splice(handlers.indexOf(entry), 1)),
      }
    })
  }

  #on({ what, script, how }: Act, place: Place): void {
    const { referee } = this.#world
    const number = ++this.#names
    const name = `subscriber-${number}`
    const events = [EVENTS.slice(0, 1), EVENTS.slice(1), EVENTS, [...EVENTS, DeliveryFailed]][what % 4] ?? []
    const overflow = OVERFLOWS[script % OVERFLOWS.length] ?? 'reject'
    const mailbox = this.#bounded ? { capacity: 1 + (how % 2), overflow } : undefined
    const attempts = how < 6 ? 1 : 2
    const subscriber = {
      name,
      types: events.map(({ type }) => type),
      session: place.session,
      mailbox,
      attempts,
      active: true,
    }
    const hear = (data: unknown, scope: Scope): void | Promise<void> => {
      const delivery = referee.begins(scope.message.id, name)
      if (!delivery) return undefined
      const sent = this.#data.get(delivery.event.id)
      referee.must(
        !sent || JSON.stringify(sent) === JSON.stringify(data),
        `${name} gets the data of its event`,
      )
      const played = this.#play(delivery.event, scope, place, number % 2, (code) => {
        if (delivery.state === 'going') delivery.state = code === 'ok' || code === 'wrong' ? 'ok' : 'bad'
      })
      return typeof played === 'string' ? undefined : played.then(() => undefined)
    }
    this.#register(place, undefined, () => {
      const options = { name, ...(mailbox && { mailbox }), ...(attempts > 1 && { retry: { attempts } }) }
      const off = place.real.on(events, hear, options)
      referee.model.subscribers.push(subscriber)
      return { off, forget: () => void (subscriber.active = false) }
    })
  }

  #use({ what, how }: Act): void {
    const { bus, referee } = this.#world
    const mode = (['passes', 'passes later', 'filters', 'fails'] as const)[how % 4]
    const middleware: Middleware = async ({ id }, next) => {
      if (mode !== 'passes') await this.#pause(`middleware ${mode}`)
      if (mode !== 'filters' && mode !== 'fails') return next()
      referee.decided.add(`${id} ${mode}`)
      const command = referee.commandOf(id)
      if (command) command.planned = mode === 'filters' ? 'FILTERED' : 'HANDLER_FAILED'
      if (mode === 'fails') throw new Error('the middleware failed')
      return undefined
    }
    const message = [...COMMANDS, ...EVENTS][what % (COMMANDS.length + EVENTS.length)]
    const [place] = this.#places
    if (message && place)
      this.#register(place, undefined, () => ({
        off: bus.use(middleware, { for: [message] }),
        forget: () => undefined,
      }))
  }

  #register(place: Place, refusal: string | undefined, register: () => Omit<Registration, 'place'>): void {
    if (this.#registrations.length >= REGISTRATIONS) return
    const code = place.open ? refusal : 'SCOPE_DISPOSED'
    try {
      const registered = register()
      this.#world.referee.must(code === undefined, `registering ends with ${code}`)
      this.#registrations.push({ place, ...registered })
    } catch (error) {
      this.#world.referee.must(codeOf(error) === code, `registering ends with ${code}, not ${codeOf(error)}`)
    }
  }

  #leave(registration: Registration | undefined): void {
    registration?.forget()
    registration?.off()
  }

  #open({ what, how }: Act): void {
    if (this.#places.length > 4) return
    const session = `s${what % 2}`
    const limited = how % 2 === 1
    const real = this.#world.bus.session(session, limited ? { signal: this.#newSignal() } : {})
    this.#places.push({ real, session, limited, open: true, dispose: () => real.dispose() })
  }

  #dispose({ what }: Act): void {
    const place = this.#places[1 + (what % (this.#places.length - 1))]
    if (!place) return
    place.open = false
    for (const registration of this.#registrations) if (registration.place === place) registration.forget()
    place.dispose()
  }

  #stop(): void {
    const { bus, referee } = this.#world
    referee.stopping = true
    void bus.stop({ deadline: 1000 }).then((report) => {
      referee.must((this.#report ?? report) === report, 'every stop gives the same report')
      this.#report = report
    })
  }

  /** Does what the script of a message says; `finish` hears how it ends (`ok`, `wrong`, a code), before the bus does. */
  #play(
    from: ModelMessage,
    scope: Scope,
    place: Place,
    offset: number,
    finish: (code: string) => void,
  ): string | Promise<string> {
    const number = (this.#data.get(from.id)?.script ?? this.#scripts.length) + offset
    const script = this.#scripts[number] ?? NOTHING
    const actor = { real: scope, place, from, scope, level: number + 1 }
    if (script.slow) return this.#playSlowly(script, actor, finish)
    for (const step of script.steps)
      if (step.do !== 'sleep' && step.do !== 'pause') void this.#act(step, actor)
    if (script.end !== 'throws') return this.#return(script, finish)
    finish('HANDLER_FAILED')
    throw new Error('the script says so')
  }

  async #playSlowly(script: Script, actor: Actor, finish: (code: string) => void): Promise<string> {
    try {
      for (const step of script.steps) {
        const failure = await this.#act(step, actor)
        if (failure !== undefined && step.how === 4) throw failure
      }
      if (script.end === 'throws') throw new Error('the script says so')
      if (script.end === 'hangs' || script.end === 'waits for abort') {
        this.#hung = true
        await (script.end === 'hangs' ? new Promise(() => undefined) : aborted(actor.scope?.signal))
      }
      return this.#return(script, finish)
    } catch (error) {
      finish(codeOf(error))
      throw error
    }
  }

  #return({ end }: Script, finish: (code: string) => void): string {
    const isWrong = end === 'returns wrong'
    finish(isWrong ? 'wrong' : 'ok')
    return isWrong ? 'something else' : 'done'
  }

  async #awaitSettled(receipt: Receipt, from: ModelMessage): Promise<void> {
    try {
      await receipt.settled
    } catch (error) {
      const isSelfWait = codeOf(error) === 'SELF_WAIT' && isInDelivery(from)
      this.#world.referee.must(isSelfWait, `settled never rejects, but did with ${codeOf(error)}`)
    }
  }

  #settles(execution: Promise<unknown>, compare: (code: string) => void): Promise<unknown> {
    this.#unsettled++
    const end = (error?: unknown): unknown => {
      this.#unsettled--
      compare(error === undefined ? 'ok' : codeOf(error))
      return error
    }
    return execution.then(() => end(), end)
  }

  #dataFor(script: number, how: number, { level }: Actor): Data {
    const left = Math.max(1, this.#scripts.length - level)
    return { script: how === 7 ? -1 : level + (script % left), key: script % 2 === 0 ? 'a' : 'b' }
  }

  #newSignal(): AbortSignal {
    const controller = new AbortController()
    this.#controllers.push(controller)
    return controller.signal
  }

  #pause(label: string): Promise<void> {
    return this.#world.scheduler.schedule(Promise.resolve(), label)
  }

  /** Lets the scheduler have its way until nothing is left to do. */
  async #settle(): Promise<void> {
    const { scheduler } = this.#world
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      if (scheduler.count() > 0) quiet = 0
      await scheduler.waitIdle()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Sends each message from everywhere, to see that it reaches who the model says. */
  #sendEverywhere(): void {
    const budget = this.#budget
    this.#budget = Infinity
    for (const place of this.#places) {
      const actor = {
        real: place.real,
        place,
        from: undefined,
        scope: undefined,
        level: this.#scripts.length,
      }
      COMMANDS.forEach((_, what) => void this.#execute({ ...NO_ACT, what }, actor))
      EVENTS.forEach((_, what) => void this.#publish({ ...NO_ACT, what }, actor))
    }
    this.#budget = budget
  }

  async #compareReceipts(): Promise<void> {
    const { referee } = this.#world
    for (const { event, receipt } of this.#receipts) {
      const counts = { delivered: 0, failed: 0, skipped: 0, dropped: 0 }
      for (const { state } of event.deliveries) if (isOutcome(state)) counts[state]++
      const code = await receipt.accepted.then(() => undefined, codeOf)
      referee.must(
        code === (event.rejected ? 'MAILBOX_FULL' : undefined),
        `${event.id} is accepted with ${code}`,
      )
      const settled = JSON.stringify(await receipt.settled)
      referee.must(
        settled === JSON.stringify(counts),
        `${event.id} settles with ${JSON.stringify(counts)}, not ${settled}`,
      )
    }
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    // The reason itself, as everybody does.
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    const abort = (): void => reject(signal?.reason)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort)
  })
}

function isOutcome(state: ModelDelivery['state']): state is DeliveryEnd['outcome'] {
  return state === 'delivered' || state === 'failed' || state === 'skipped' || state === 'dropped'
}

function codeOf(error: unknown): string {
  return error instanceof BuslineError ? error.code : 'HANDLER_FAILED'
}
