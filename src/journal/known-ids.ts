/** The ordinals under one id: all below `next`, and some beyond. */
interface Ordinals {
  next: number
  beyond: Set<number> | undefined
}

/**
 * The ids of a run's messages, and the root of each. Most ids are those of their cause and an ordinal, which are numbered
 * one after another: such are counted, not kept.
 */
export class KnownIds {
  readonly #roots = new Map<string, string>()
  readonly #under = new Map<string, Ordinals>()

  has(id: string): boolean {
    if (this.#roots.has(id)) return true
    const [parent, ordinal] = parted(id)
    const ordinals = this.#under.get(parent)
    return ordinals !== undefined && (ordinal < ordinals.next || ordinals.beyond?.has(ordinal) === true)
  }

  /** The root of a message that is known. */
  rootOf(id: string): string | undefined {
    if (!this.has(id)) return undefined
    let up = id
    let root = this.#roots.get(up)
    while (root === undefined) {
      const [parent] = parted(up)
      root = this.#roots.get(parent)
      up = parent
    }
    return root
  }

  add(id: string, cause: string | undefined, root: string): void {
    const [parent, ordinal] = parted(id)
    if (parent !== '' && parent === cause && this.rootOf(parent) === root) this.#count(parent, ordinal)
    // The string of the first message of a chain, so that equal roots are one string in memory.
    else this.#roots.set(id, root === id ? id : this.#kept(root))
  }

  #kept(root: string): string {
    const kept = this.#roots.get(root)
    return kept === root ? kept : root
  }

  #count(parent: string, ordinal: number): void {
    const ordinals = this.#under.get(parent)
    if (!ordinals) {
      this.#under.set(parent, { next: 1, beyond: undefined })
      return this.#count(parent, ordinal)
    }
    if (ordinal !== ordinals.next) {
      ordinals.beyond ??= new Set()
      ordinals.beyond.add(ordinal)
      return
    }
    ordinals.next++
    while (ordinals.beyond?.delete(ordinals.next)) ordinals.next++
  }
}

/** An id as that of its cause and an ordinal, which counts from 1; an empty parent when it is no such. */
function parted(id: string): readonly [string, number] {
  const dot = id.lastIndexOf('.')
  const ordinal = id.slice(dot + 1)
  return dot > 0 && /^[1-9]\d{0,14}$/.test(ordinal) ? [id.slice(0, dot), Number(ordinal)] : ['', 0]
}
