import type { Bus, Cleanup, SessionScope, Stream, Subscribe, SubscribeOptions } from './bus.ts'
import type { Listening, Place } from './listening.ts'
import type { AnySubscriber, Selector } from './subscribing.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/**
 * The bus as one participant sees it: the same, but it remembers what was registered, so that all of it can be
 * taken back in reverse.
 */
export class Attachment {
  readonly view: Bus
  #registrations = new Set<Unsubscribe>()
  #cleanup: Cleanup | undefined
  #detached = false

  constructor(
    bus: Bus,
    parts: {
      subscribe: Subscribe
      execute: Bus['execute']
      listening: Listening
      session: (
        id: string,
        options: { signal?: AbortSignal } | undefined,
        host: Place['keep'],
      ) => SessionScope
    },
  ) {
    const keep = (undo: () => void): Unsubscribe => {
      const off = unsubscribe(() => {
        this.#registrations.delete(off)
        undo()
      })
      this.#registrations.add(off)
      // It joins slowly and was detached meanwhile: what it still registers goes at once.
      if (this.#detached) off()
      return off
    }
    const on: Bus['on'] = (selector: Selector, subscriber: AnySubscriber, options?: SubscribeOptions) =>
      keep(parts.subscribe(selector, subscriber, options))
    const place: Place = { session: undefined, keep }
    const events: Bus['events'] = (selector: Parameters<Stream>[0], options: Parameters<Stream>[1] = {}) =>
      parts.listening.stream(selector, options, place)
    this.view = {
      execute: parts.execute,
      publish: (event, data) => bus.publish(event, data),
      schedule: bus.schedule.bind(bus),
      waitFor: (event, options = {}) => parts.listening.waitFor(event, options, place),
      events,
      handle: (command, handler) => keep(bus.handle(command, handler)),
      on,
      use: (middleware, options) => keep(bus.use(middleware, options)),
      tap: (tap) => keep(bus.tap(tap)),
      attach: (participant) => keep(bus.attach(participant)),
      session: (id, options) => parts.session(id, options, keep),
      secret: (value) => bus.secret(value),
      redact: (text) => bus.redact(text),
      deadLetters: bus.deadLetters,
      schedules: bus.schedules,
      probe: (probe) => keep(bus.probe(probe)),
      inspect: () => bus.inspect(),
      definition: (type) => bus.definition(type),
      now: () => bus.now(),
      newId: () => bus.newId(),
      random: () => bus.random(),
      after: (ms, run) => {
        const off = keep(
          bus.after(ms, () => {
            // What has run is no longer there to be taken back.
            off()
            run()
          }),
        )
        return off
      },
    }
  }

  /** Takes the cleanup of a participant that has joined; runs it at once if it was detached meanwhile. */
  cleansUpWith(cleanup: Cleanup | void): void | Promise<void> {
    if (this.#detached) return cleanup?.()
    if (cleanup) this.#cleanup = cleanup
  }

  /** Runs the participant's cleanup, then takes back what it registered, last first. */
  detach(): void | Promise<void> {
    this.#detached = true
    const cleanup = this.#cleanup
    this.#cleanup = undefined
    const takeBack = (): void => {
      for (const off of [...this.#registrations].toReversed()) off()
    }
    let cleaning: void | Promise<void>
    try {
      cleaning = cleanup?.()
    } catch (error) {
      takeBack()
      throw error
    }
    return cleaning ? cleaning.finally(takeBack) : takeBack()
  }
}
