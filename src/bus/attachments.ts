import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import { Attachment } from './attachment.ts'
import type { Bus, Participant } from './bus.ts'
import type { Dispatch } from './dispatch.ts'
import { Outside } from './outside.ts'
import { openSession } from './session-scope.ts'
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
    const { state } = dispatch
    if (state === 'flushing' || state === 'stopped')
      throw new BuslineError('BUS_STOPPED', 'The bus is stopping or stopped; a participant can not join.')
    // An origin of its own tells what the participant sends while it joins from what others wait for.
    const origin = new Outside(dispatch.core.root)
    const attachment = new Attachment(this.#bus, {
      subscribe: (selector, subscriber, options) => dispatch.on(selector, subscriber, options, undefined),
      execute: (command, input, options) => dispatch.execute(command, input, origin, options),
      listening: dispatch.listening,
      session: (id, options, host) => openSession(dispatch, id, options, host),
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

  /**
   * Detaches all, last first, and waits for their cleanups, until `timeUp` rejects: from then on they only begin. Throws
   * what they throw when all have run.
   */
  async detachAll(timeUp: Promise<never>): Promise<void> {
    const failures = new Set<unknown>()
    for (const attachment of [...this.#attached].toReversed()) {
      this.#attached.delete(attachment)
      try {
        await Promise.race([attachment.detach(), timeUp])
      } catch (error) {
        failures.add(error)
      }
    }
    await Promise.race([Promise.all(this.#detaching), timeUp]).catch((error: unknown) => failures.add(error))
    const [first] = failures
    if (failures.size > 1) throw new AggregateError(failures, 'Several participants failed to clean up.')
    if (failures.size === 1) throw first
  }

  /** Runs its cleanup, then takes back what it registered; `stop` waits for a cleanup that goes on. */
  #detach(attachment: Attachment): void {
    this.#attached.delete(attachment)
    const { recorder } = this.#dispatch.core
    const cleaning = (async () => attachment.detach())()
      .catch((error: unknown) => recorder.note('detachFailed', { error: failureOf(error) }))
      .finally(() => this.#detaching.delete(cleaning))
    this.#detaching.add(cleaning)
  }
}
