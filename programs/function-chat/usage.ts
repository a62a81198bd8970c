import type { TurnResult } from 'busline'
import { counted } from './counted.ts'
import { dollars } from './dollars.ts'

/** Tokens over all turns of a run. */
export class Usage {
  #turns = 0
  #calls = 0
  #input = 0
  #output = 0
  #cost: number | null = 0

  /** One turn of unknown cost makes the whole unknown. */
  add(usage: TurnResult['usage'], cost: number | null): void {
    this.#turns++
    if (usage) this.#cost = cost === null || this.#cost === null ? null : this.#cost + cost
    this.#calls += usage?.calls ?? 0
    this.#input += usage?.inputTokens ?? 0
    this.#output += usage?.outputTokens ?? 0
  }

  toString(): string {
    const turns = counted(this.#turns, 'turn')
    const price = this.#cost === null || this.#cost === 0 ? '' : `, $${dollars(this.#cost)}`
    return `${turns}, ${counted(this.#calls, 'model call')}: ${this.#input} tokens in, ${this.#output} out${price}`
  }
}
