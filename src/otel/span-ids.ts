import { hash } from 'node:crypto'

/**
 * The trace of a chain of messages: the first 16 bytes of the SHA-256 of its root's id, in hex. From the journal alone, so
 * that a run has the same trace whether it is exported live or from its file, now or next year.
 */
export function traceIdOf(root: string): string {
  return digest(root, 32)
}

/** The span of a message: the first 8 bytes of the SHA-256 of its id, in hex. */
export function spanIdOf(id: string): string {
  return digest(id, 16)
}

function digest(id: string, characters: number): string {
  return hash('sha256', id, 'hex').slice(0, characters)
}
