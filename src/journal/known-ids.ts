/** The ordinals that were given under one beginning of ids: all below `next`, and some beyond. */
interface Ordinals {
  next: number
  beyond: Set<number> | undefined
  /** Of all of them; undefined when each is its own. */
  readonly root: string | undefined
}

/**
 * The ids of a run's messages, and the root of each. Most ids are those of their cause and an ordinal, or the bus's and an
 * ordinal, which are numbered one after another: such are counted, not kept.
 */
export class KnownIds {
  readonly #roots = new Map<string, string>()
  /** By what stands before the ordinal, its separator included. */
  readonly #under = new Map<string, Ordinals>()

  has(id: string): boolean {
    return this.rootOf(id) !== undefined
  }

  /** The root of a message that is known. */
  rootOf(id: string): string | undefined {
    const [beginning, ordinal] = parted(id)
    const ordinals = this.#under.get(beginning)
    if (ordinals && (ordinal < ordinals.next || ordinals.beyond?.has(ordinal))) return ordinals.root ?? id
    return this.#roots.get(id)
  }

  add(id: string, cause: string | undefined, root: string): void {
    const [beginning, ordinal] = parted(id)
    if (cause === undefined && root === id && beginning.endsWith('-')) this.#count(beginning, ordinal)
    else if (cause !== undefined && beginning === `${cause}.` && this.rootOf(cause) === root)
      this.#count(beginning, ordinal, root)
    // The string of the first message of a chain, so that equal roots are one string in memory.
    else this.#roots.set(id, root === id ? id : this.#kept(root))
  }

  #kept(root: string): string {
    const kept = this.#roots.get(root)
    return kept === root ? kept : root
  }

  #count(beginning: string, ordinal: number, root?: string): void {
    const ordinals = this.#under.get(beginning) ?? { next: 1, beyond: undefined, root }
    if (ordinals.next === 1) this.#under.set(beginning, ordinals)
    if (ordinal > ordinals.next) {
      ordinals.beyond ??= new Set()
      ordinals.beyond.add(ordinal)
    }
    if (ordinal !== ordinals.next) return
    ordinals.next++
    while (ordinals.beyond?.delete(ordinals.next)) ordinals.next++
  }
}

/** An id as a beginning and an ordinal, which counts from 1; an empty beginning when it is no such. */
function parted(id: string): readonly [string, number] {
  const [digits] = /(?<=[.-])[1-9]\d{0,14}$/.exec(id) ?? []
  return digits === undefined ? ['', 0] : [id.slice(0, id.length - digits.length), Number(digits)]
}
