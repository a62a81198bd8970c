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
}

/** An open file that nobody else writes. Nothing is called after `close`. */
export interface JournalFile {
  /** Bytes. */
  size(): number
  /** The bytes from `position`, `length` of them; fewer where the file ends. Only recovery reads. */
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
  /** Closes the file and lets others open it. */
  close(): void
}
