import { MessageScope } from '../bus/message-scope.ts'
import type { Scope } from '../bus/scope.ts'
import { onCancel, refuseCancelled, tellsItsEnd } from './on-cancel.ts'

/**
 * So many runs at once; the others wait in order and leave when they are cancelled. What a run causes goes on its slot: if
 * it waited for one of its own, nobody would ever give one back. A circle through the slots of two tools is not seen.
 */
export class Slots {
  readonly #limit: number
  /** The commands that hold a slot, by id. */
  readonly #held = new Set<string>()
  readonly #waiting = new Set<() => void>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Resolves to how the slot is given back, which is safe to do twice. */
  async take(scope: Scope): Promise<() => void> {
    const { id } = scope.message
    if (this.#holdsAbove(scope)) return () => undefined
    if (this.#held.size >= this.#limit) await this.#wait(scope)
    else this.#held.add(id)
    return () => this.#giveBack(id)
  }

  #holdsAbove(scope: Scope): boolean {
    let above = scope instanceof MessageScope ? scope.parent : undefined
    for (; above; above = above.parent) if (this.#held.has(above.message.id)) return true
    return false
  }

  async #wait(scope: Scope): Promise<void> {
    refuseCancelled(scope)
    tellsItsEnd(scope)
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        off()
        this.#waiting.delete(serve)
      }
      const serve = (): void => {
        leave()
        // Taken at once, not when whoever waits goes on: else a newcomer could come between.
        this.#held.add(scope.message.id)
        resolve()
      }
      this.#waiting.add(serve)
      const off = onCancel(scope, (reason) => {
        leave()
        // The reason itself, as with every signal.
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors
        reject(reason)
      })
    })
  }

  #giveBack(id: string): void {
    if (!this.#held.delete(id)) return
    const [serve] = this.#waiting
    serve?.()
  }
}
