import type { ShownTurn } from './turn-records.ts'

/** Holds the last turns of a run. One that went on after it was interrupted is one turn, and is where it went on. */
export class LastTurns {
  readonly #most: number
  /** The parts of each, the turn that ended last at the end. */
  #kept: ShownTurn[][] = []
  /** Turns that may go on, also those that are kept no more. */
  #broken = new Map<string, ShownTurn[]>()
  #earlier = 0

  constructor(most: number) {
    this.#most = most
  }

  /** How many turns were added before those that are kept. */
  get earlier(): number {
    return this.#earlier
  }

  add(part: ShownTurn): void {
    const parts = (part.resumed ? this.#broken.get(part.turn) : undefined) ?? []
    if (parts.length > 0) {
      const place = this.#kept.indexOf(parts)
      if (place === -1) this.#earlier--
      else this.#kept.splice(place, 1)
    }
    parts.push(part)
    this.#kept.push(parts)
    if (part.status === 'ok') this.#broken.delete(part.turn)
    else this.#broken.set(part.turn, parts)
    if (this.#kept.length > this.#most && this.#kept.shift()) this.#earlier++
  }

  turns(): ShownTurn[] {
    return this.#kept.flat()
  }
}
