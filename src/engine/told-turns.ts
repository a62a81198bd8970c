/** As many as may be going to be asked about: a turn whose end was told is asked about when its session is opened again. */
const KEPT = 1000

/** The turns whose end was told by this engine, the latest of them: each ends once, whatever its session knows of it. */
export class ToldTurns {
  #ids = new Set<string>()

  add(turn: string): void {
    this.#ids.add(turn)
    if (this.#ids.size <= KEPT) return
    const [oldest] = this.#ids
    if (oldest !== undefined) this.#ids.delete(oldest)
  }

  has(turn: string): boolean {
    return this.#ids.has(turn)
  }
}
