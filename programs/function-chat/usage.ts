import type { TurnResult } from 'busline'
import { counted } from './counted.ts'

/** Tokens over all turns of a run. */
export class Usage {
  #turns = 0
  #calls = 0
  #input = 0
  #output = 0

  add(usage: TurnResult['usage']): void {
    this.#turns++
    this.#calls += usage?.calls ?? 0
    this.#input += usage?.inputTokens ?? 0
    this.#output += usage?.outputTokens ?? 0
  }

  toString(): string {
    const turns = counted(this.#turns, 'turn')
    return `${turns}, ${counted(this.#calls, 'model call')}: ${this.#input} tokens in, ${this.#output} out`
  }
}
