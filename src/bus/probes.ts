import { failureOf } from '../messages/failure.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import type { DeliveryEnd, Probe } from './probe.ts'
import type { Recorder, Status } from './recorder.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** The probes of a bus. While there is none, `any` is all that it costs. */
export class Probes {
  any = false
  #probes: readonly Probe[] = []
  #environment: Environment
  #recorder: Recorder

  constructor(environment: Environment, recorder: Recorder) {
    this.#environment = environment
    this.#recorder = recorder
  }

  add(probe: Probe): Unsubscribe {
    this.#set([...this.#probes, probe])
    return unsubscribe(() => this.#set(this.#probes.filter((other) => other !== probe)))
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
    const ms = this.#environment.now() - message.time
    this.#tell((probe) => probe.deliveryEnded?.(message, { subscriber, outcome, ms, attempts }))
  }

  #tell(tell: (probe: Probe) => void): void {
    for (const probe of this.#probes) {
      try {
        tell(probe)
      } catch (error) {
        this.#set(this.#probes.filter((other) => other !== probe))
        this.#recorder.note('probeFailed', { error: failureOf(error) })
      }
    }
  }

  #set(probes: readonly Probe[]): void {
    this.#probes = probes
    this.any = probes.length > 0
  }
}
