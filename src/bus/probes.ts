import { failureOf } from '../messages/failure.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import { isThenable } from './is-thenable.ts'
import type { DeliveryEnd, Probe } from './probe.ts'
import type { Recorder, Status } from './recorder.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** The probes of a bus. While there is none, `any` is all that it costs. */
export class Probes {
  any = false
  #probes: readonly { probe: Probe }[] = []
  #environment: Environment
  #recorder: Recorder

  constructor(environment: Environment, recorder: Recorder) {
    this.#environment = environment
    this.#recorder = recorder
  }

  add(probe: Probe): Unsubscribe {
    const entry = { probe }
    this.#set([...this.#probes, entry])
    return unsubscribe(() => this.#set(this.#probes.filter((other) => other !== entry)))
  }

  commandEnded(message: Message, status: Status, ms: number, by: string | undefined): void {
    this.#tell((probe) => probe.commandEnded?.(message, { status, ms, by }))
  }

  deliveryEnded(
    message: Message,
    subscriber: string,
    outcome: DeliveryEnd['outcome'],
    attempts: number,
  ): void {
    const ms = Math.max(0, this.#environment.now() - message.time)
    this.#tell((probe) => probe.deliveryEnded?.(message, { subscriber, outcome, ms, attempts }))
  }

  #tell(tell: (probe: Probe) => unknown): void {
    for (const entry of this.#probes) {
      try {
        const outcome = tell(entry.probe)
        if (isThenable(outcome)) outcome.then(undefined, (error: unknown) => this.#takeOff(entry, error))
      } catch (error) {
        this.#takeOff(entry, error)
      }
    }
  }

  #takeOff(entry: { probe: Probe }, error: unknown): void {
    if (!this.#probes.includes(entry)) return
    this.#set(this.#probes.filter((other) => other !== entry))
    this.#recorder.note('probeFailed', { error: failureOf(error) })
  }

  #set(probes: readonly { probe: Probe }[]): void {
    this.#probes = probes
    this.any = probes.length > 0
  }
}
