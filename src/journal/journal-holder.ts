import { lockHolder } from '../files/lock-file.ts'

/** The pid of the live process that writes the journal at `path`; undefined when nobody does: the run has ended. */
export function journalHolder(path: string): number | undefined {
  return lockHolder(`${path}.lock`)
}
