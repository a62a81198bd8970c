/** Ordinals that were given under one beginning of ids: all below `next`, and some beyond. */
interface Ordinals {
  next: number
  readonly beyond: Set<number>
  /** Of all of them, where it stands too many causes away to be looked up each time. */
  readonly root: string | undefined
}

/** Causes that are gone through to a root. */
const NEAR = 4

/**
 * The ids of a run's messages, and the root of each. Most ids are those of their cause and an ordinal, or the bus's and an
 * ordinal, which are numbered one after another: such are counted, not kept.
 */
export class KnownIds {
  readonly #roots = new Map<string, string>()
  /**
   * By what stands before the ordinal, its separator included: the ordinal that comes next, as a number where that tells
   * all, because an object for each would be a third of the memory.
   */
  readonly #under = new Map<string, number | Ordinals>()

  has(id: string): boolean {
    return this.rootOf(id) !== undefined
  }

  /** The root of a message that is known. */
  rootOf(id: string): string | undefined {
    let known = id
    for (;;) {
      const [beginning, ordinal] = parted(known)
      const ordinals = this.#under.get(beginning)
      if (ordinals === undefined || !isGiven(ordinal, ordinals)) return this.#roots.get(known)
      if (typeof ordinals === 'object' && ordinals.root !== undefined) return ordinals.root
      if (beginning.endsWith('-')) return known
      // Counted ids have the root of their cause, which their beginning names.
      known = beginning.slice(0, -1)
    }
  }

  add(id: string, cause: string | undefined, root: string): void {
    const [beginning, ordinal] = parted(id)
    if (cause === undefined && root === id && beginning.endsWith('-')) this.#count(beginning, ordinal)
    else if (cause !== undefined && beginning === `${cause}.` && this.rootOf(cause) === root)
      this.#count(beginning, ordinal, isNear(beginning) ? undefined : root)
    // The string of the first message of a chain, so that equal roots are one string in memory.
    else this.#roots.set(id, root === id ? id : this.#kept(root))
  }

  #kept(root: string): string {
    const kept = this.#roots.get(root)
    return kept === root ? kept : root
  }

  #count(beginning: string, ordinal: number, root?: string): void {
    let ordinals = this.#under.get(beginning) ?? 1
    if (typeof ordinals === 'number') {
      if (ordinal < ordinals) return
      if (ordinal === ordinals && root === undefined) {
        this.#under.set(beginning, ordinals + 1)
        return
      }
      ordinals = { next: ordinals, beyond: new Set(), root }
      this.#under.set(beginning, ordinals)
    }
    const { beyond } = ordinals
    if (ordinal > ordinals.next) beyond.add(ordinal)
    if (ordinal !== ordinals.next) return
    ordinals.next++
    while (beyond.delete(ordinals.next)) ordinals.next++
    if (beyond.size === 0 && root === undefined) this.#under.set(beginning, ordinals.next)
  }
}

function isGiven(ordinal: number, ordinals: number | Ordinals): boolean {
  if (typeof ordinals === 'number') return ordinal < ordinals
  return ordinal < ordinals.next || ordinals.beyond.has(ordinal)
}

/** Whether few causes stand between what begins so and its root. */
function isNear(beginning: string): boolean {
  let at = -1
  for (let causes = 0; causes <= NEAR; causes++) {
    at = beginning.indexOf('.', at + 1)
    if (at === -1) return true
  }
  return false
}

/** An id as a beginning and an ordinal, which counts from 1; an empty beginning when it is no such. */
function parted(id: string): readonly [string, number] {
  const [digits] = /(?<=[.-])[1-9]\d{0,14}$/.exec(id) ?? []
  return digits === undefined ? ['', 0] : [id.slice(0, id.length - digits.length), Number(digits)]
}
