import { createHash } from 'node:crypto'
import { attempt } from './attempt.ts'

/** Something that a run left to the next, as the notes of its journal tell it. */
export interface Leftover {
  id: string
  /** Tells it from another of the same id, which a run that drew the same prefix has given. */
  readonly print: string
  /** It has ended, though the note that says so may be missing. */
  over?: boolean
}

/** What no two first notes have in common; empty for one that can't be written, so that no record is that note. */
export function printOf(note: unknown, json: (note: unknown) => string | undefined = JSON.stringify): string {
  const text = attempt(() => json(note))
  if (!text.ok || text.value === undefined) return ''
  return createHash('sha256').update(text.value).digest('base64url')
}

/** What earlier runs left, in the order in which it came to be. One id may belong to several. */
export class Leftovers<Left extends Leftover> {
  /** The ids that ended without having begun: they came back with an earlier `restore`, or are damaged. */
  readonly ended = new Set<string>()
  #all = new Set<Left>()
  #holders = new Map<string, Left[]>()

  /** Whom a note means that names an id: the one that got it last, for it got it in that run or later. */
  holder(id: string): Left | undefined {
    return this.#holders.get(id)?.at(-1)
  }

  /** Nothing happens when the same note comes twice. */
  add(left: Left): void {
    const holders = this.#holders.get(left.id) ?? []
    if (holders.some(({ print }) => print === left.print)) return
    this.#all.add(left)
    this.#holders.set(left.id, [...holders, left])
  }

  end(id: string): void {
    const left = this.holder(id)
    if (left) this.#forget(left)
    else this.ended.add(id)
  }

  rename({ from, to, print }: { from: string; to: string; print: string }): void {
    const left = this.#holders.get(from)?.find((one) => one.print === print)
    if (left) this.#rename(left, to)
  }

  /**
   * Those that are not known already, oldest first. An id stays with who got it last, unless it is taken; every other one
   * gets a new id, of which `onRename` is told.
   */
  settle(parts: {
    known: readonly Leftover[]
    newId: () => string
    onRename: (rename: { from: string; to: string; print: string }) => void
  }): Left[] {
    const prints = new Set(parts.known.map(({ print }) => print))
    const taken = new Set(parts.known.map(({ id }) => id))
    const missing = [...this.#all].filter(({ print, over }) => !over && !prints.has(print))
    for (const left of missing) {
      const { id: from, print } = left
      if (!taken.has(from) && this.holder(from) === left) continue
      let to: string
      do to = parts.newId()
      while (this.#holders.has(to))
      this.#rename(left, to)
      parts.onRename({ from, to, print })
    }
    return missing
  }

  #rename(left: Left, to: string): void {
    this.#release(left)
    left.id = to
    this.#holders.set(to, [...(this.#holders.get(to) ?? []), left])
  }

  #forget(left: Left): void {
    this.#all.delete(left)
    this.#release(left)
  }

  #release(left: Left): void {
    const others = this.#holders.get(left.id)?.filter((one) => one !== left) ?? []
    if (others.length > 0) this.#holders.set(left.id, others)
    else this.#holders.delete(left.id)
  }
}
