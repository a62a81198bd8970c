import { CallGroup, type CallStats } from './call-group.ts'

/** Groups of commands by a key: a model, a tool, a type, a session. */
export class Groups {
  #byKey = new Map<string | null, CallGroup>()

  of(key: string | null): CallGroup {
    const known = this.#byKey.get(key)
    if (known) return known
    const group = new CallGroup()
    this.#byKey.set(key, group)
    return group
  }

  merge(other: Groups): void {
    for (const [key, group] of other.#byKey) this.of(key).merge(group)
  }

  /** The most calls first. */
  rows(): [key: string | null, stats: CallStats][] {
    return [...this.#byKey]
      .filter(([, group]) => !group.isEmpty)
      .map(([key, group]): [string | null, CallStats] => [key, group.stats()])
      .toSorted(([a, x], [b, y]) => y.calls - x.calls || ((a ?? '') < (b ?? '') ? -1 : 1))
  }
}
