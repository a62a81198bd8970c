import type { EventDefinition } from '../messages/define-event.ts'
import type { Bus, Cleanup, Subscribe, SubscribeOptions } from './bus.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/**
 * The bus as one participant sees it: the same, but it remembers what was registered, so that all of it can be
 * taken back in reverse.
 */
export class Attachment {
  readonly view: Bus
  #registrations: Unsubscribe[] = []
  #cleanup: Cleanup | undefined

  constructor(bus: Bus, subscribe: Subscribe) {
    const keep = (off: Unsubscribe): Unsubscribe => {
      this.#registrations.push(off)
      return off
    }
    const on: Bus['on'] = (
      selector: EventDefinition | readonly EventDefinition[] | string,
      subscriber: (data: never, scope: never) => void | Promise<void>,
      options?: SubscribeOptions,
    ) => keep(subscribe(selector, subscriber, options))
    this.view = {
      execute: (command, input, options) => bus.execute(command, input, options),
      publish: (event, data) => bus.publish(event, data),
      handle: (command, handler) => keep(bus.handle(command, handler)),
      on,
      use: (middleware, options) => keep(bus.use(middleware, options)),
      tap: (tap) => keep(bus.tap(tap)),
      attach: (participant) => keep(bus.attach(participant)),
      session: (id, options) => bus.session(id, options),
      secret: (value) => bus.secret(value),
      redact: (text) => bus.redact(text),
      now: () => bus.now(),
      newId: () => bus.newId(),
    }
  }

  cleansUpWith(cleanup: Cleanup | void): void {
    if (cleanup) this.#cleanup = cleanup
  }

  /** Runs the participant's cleanup, then takes back what it registered, last first. */
  detach(): void | Promise<void> {
    const cleanup = this.#cleanup
    this.#cleanup = undefined
    const takeBack = (): void => {
      for (const off of this.#registrations.splice(0).toReversed()) off()
    }
    const cleaning = cleanup?.()
    return cleaning ? cleaning.finally(takeBack) : takeBack()
  }
}
