/** Bytes from one place up to another. */
interface Range {
  readonly from: number
  readonly to: number
}

/** One simulated file: what readers see, and how much of it is on the disk. */
export class Disk {
  bytes = Buffer.alloc(0)
  /** How many bytes outlive a power cut. */
  #durable = 0
  /** Which bytes a failed sync has dropped: readers still see them, the disk never gets them. */
  #dropped: Range[] = []
  #hold: { lost: boolean } | undefined

  get size(): number {
    return this.bytes.length
  }

  get held(): boolean {
    return this.#hold !== undefined
  }

  get durable(): Buffer {
    return this.bytes.subarray(0, this.#durable)
  }

  /** Opens it for one holder, until that releases it or loses it in a crash. */
  hold(): { readonly lost: boolean; release: () => void } {
    const hold = {
      lost: false,
      release: () => {
        if (this.#hold === hold) this.#hold = undefined
      },
    }
    this.#hold = hold
    return hold
  }

  append(bytes: Uint8Array, taken: number): number {
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(0, taken)])
    return taken
  }

  truncate(size: number): void {
    this.bytes = this.bytes.subarray(0, size)
    this.#durable = Math.min(this.#durable, size)
    // What is appended in place of what was cut is new: the next sync that succeeds has it.
    this.#dropped = this.#dropped
      .filter(({ from }) => from < size)
      .map(({ from, to }) => ({ from, to: Math.min(to, size) }))
  }

  beginSync(): Range {
    return { from: this.#durable, to: this.size }
  }

  /** What an earlier sync has dropped is not there, although this one succeeded. */
  endSync({ to }: Range): void {
    const [first] = this.#dropped
    this.#durable = Math.max(this.#durable, Math.min(to, this.size, first?.from ?? Infinity))
  }

  /** What another sync has made durable meanwhile stays so. */
  failSync({ from, to }: Range): void {
    const range = { from: Math.max(from, this.#durable), to: Math.min(to, this.size) }
    if (range.from < range.to) this.#dropped.push(range)
  }

  /** @param kept how much of what was not synced reaches the disk, 0 to 1; undefined: the power stays on */
  crash(kept: number | undefined): void {
    if (this.#hold) this.#hold.lost = true
    this.#hold = undefined
    if (kept === undefined) return
    const left = this.#durable + Math.floor(kept * (this.size - this.#durable + 1))
    const bytes = Buffer.from(this.bytes.subarray(0, left))
    for (const { from, to } of this.#dropped) bytes.fill(0, from, Math.min(to, left))
    this.bytes = bytes
    this.#durable = left
    this.#dropped = []
  }
}
