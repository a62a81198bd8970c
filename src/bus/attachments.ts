import { failureOf } from '../messages/failure.ts'
import { Attachment } from './attachment.ts'
import type { Bus, Participant } from './bus.ts'
import type { Dispatch } from './dispatch.ts'
import { Outside } from './outside.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** The participants of a bus: how they come, singly go, and at a stop go all. */
export class Attachments {
  #bus: Bus
  #dispatch: Dispatch
  #attached = new Set<Attachment>()
  #detaching = new Set<Promise<void>>()

  constructor(bus: Bus, dispatch: Dispatch) {
    this.#bus = bus
    this.#dispatch = dispatch
  }

  add(participant: Participant): Unsubscribe {
    const dispatch = this.#dispatch
    // An origin of its own tells what the participant sends while it joins from what others wait for.
    const origin = new Outside(dispatch.core.root)
    const attachment = new Attachment(this.#bus, {
      subscribe: (selector, subscriber, options) => dispatch.on(selector, subscriber, options, undefined),
      execute: (command, input, options) => dispatch.execute(command, input, origin, options),
      listening: dispatch.listening,
    })
    // Before what it attaches itself: `stop` goes backwards, and so waits for the cleanup of those first.
    this.#attached.add(attachment)
    const detach = unsubscribe(() => this.#detach(attachment))
    const failed = (error: unknown): never => {
      detach()
      throw error
    }
    try {
      const joined = participant(attachment.view)
      if (joined instanceof Promise)
        dispatch.commands.waitForJoining(
          origin,
          joined.then((cleanup) => attachment.cleansUpWith(cleanup), failed),
        )
      else void attachment.cleansUpWith(joined)
    } catch (error) {
      failed(error)
    }
    return detach
  }

  /** Detaches all, last first, and waits for their cleanups. Throws what they throw when all have run. */
  async detachAll(): Promise<void> {
    const failures: unknown[] = []
    for (const attachment of [...this.#attached].toReversed()) {
      this.#attached.delete(attachment)
      try {
        await attachment.detach()
      } catch (error) {
        failures.push(error)
      }
    }
    await Promise.all(this.#detaching)
    if (failures.length > 1) throw new AggregateError(failures, 'Several participants failed to clean up.')
    if (failures.length === 1) throw failures[0]
  }

  /** Takes back at once what it registered; a cleanup that goes on is waited for by `stop`. */
  #detach(attachment: Attachment): void {
    this.#attached.delete(attachment)
    const { recorder } = this.#dispatch.core
    const cleaning = (async () => attachment.detach())()
      .catch((error: unknown) => recorder.note('detachFailed', { error: failureOf(error) }))
      .finally(() => this.#detaching.delete(cleaning))
    this.#detaching.add(cleaning)
  }
}
