/**
 * What a journal needs of a file system. The default is `nodeFiles`; a simulated one with faults (short writes, EIO,
 * ENOSPC, torn tails, lost unsynced data) can stand in its place. Every operation throws the system's own error, whose
 * `code` says what happened.
 */
export interface JournalFiles {
  /**
   * Opens a file to read it and to append to it, for this holder alone; made with its folders if missing. A file that
   * is held already is not opened: then the pid of the live process that holds it.
   */
  open(path: string): JournalFile | { heldBy: number }
  /** The names of the files in a folder; none when there is no such folder. */
  list(folder: string): readonly string[]
  /** Bytes of a file, and when it was last written (epoch milliseconds); undefined when there is none. */
  stat(path: string): { bytes: number; changed: number } | undefined
  /** What a file holds; undefined when there is none. */
  load(path: string): Uint8Array | undefined
  /**
   * Writes a file as a whole, in place of one that is there, or not at all; its folder is made if missing. With `synced` the
   * content outlives a power cut before it takes that place, which takes its time.
   */
  save(path: string, bytes: Uint8Array, options?: { synced: boolean }): void
  /**
   * Resolves when these files, as they were saved, outlive a power cut; one that was deleted since does not matter. After
   * a rejection none of them is trusted: they are saved again.
   */
  sync(paths: readonly string[]): Promise<void>
  /** Deletes a file; one that is not there is no error. */
  remove(path: string): void
}

/** An open file that nobody else writes. Nothing is called after `close`. */
export interface JournalFile {
  /** Bytes. */
  size(): number
  /** The bytes from `position`, `length` of them; fewer where the file ends. Recovery reads, and rotation. */
  read(position: number, length: number): Uint8Array
  /**
   * Adds bytes at the end, and returns how many of them the kernel took, at least one: the rest is offered again. The
   * array is used again after the call, so keep a copy, never the array.
   */
  append(bytes: Uint8Array): number
  /** Cuts the file to its first `size` bytes. */
  truncate(size: number): void
  /**
   * Resolves when what was appended before this call outlives a power cut; the event loop goes on meanwhile, and so
   * may `append`. After a rejection nothing that was not synced before is trusted: it is cut and appended again.
   */
  datasync(): Promise<void>
  /** The same, waiting. Not called while a `datasync` is on. */
  datasyncNow(): void
  /**
   * Gives what is there the name `to`, which nothing has, and goes on in a new, empty file under the first name, held as
   * before. When it throws, it goes on in the old one, and a later call tries again.
   */
  rotate(to: string): void
  /** Closes the file and lets others open it. */
  close(): void
}
