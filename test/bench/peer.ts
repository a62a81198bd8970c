import type { MakeTalker } from './talker.ts'

/** What is sold in all cases. */
export const sale = { item: 'tea', price: 4.5 }
export type Sale = typeof sale

export interface PublisherSetup {
  readonly subscribers: number
  /** How many handlers of other types stand beside them. */
  readonly unrelated: number
  /** What each subscriber calls. */
  readonly heard: () => void
}

/** Somebody who publishes `sale` to synchronous subscribers. */
export interface Publisher {
  publish(): unknown
  /** Whether each `publish` is awaited: where a peer is faster so, or loses its order otherwise. */
  readonly awaited?: boolean
  stop?(): void | Promise<void>
}

export interface Total {
  total: number
}

/** The one handler of a command; calls its own counter. */
export type SaleHandler = (input: Sale) => Total | Promise<Total>

/** Somebody who executes a command with `sale` as its input. */
export interface Executor {
  execute(): Promise<unknown>
  /** False where a command has no result. */
  readonly answers?: boolean
  stop?(): void | Promise<void>
}

/** Writes so many lines of about 400 bytes to a new file, and ends when they have left the process. */
export type WriteLines = (path: string, count: number) => Promise<void>

/** What the file of a peer exports of these, each as far as the peer can. */
export interface Peer {
  publisher(setup: PublisherSetup): Publisher | Promise<Publisher>
  executor(handler: SaleHandler): Executor | Promise<Executor>
  writeLines: WriteLines
  talker: MakeTalker
}

/**
 * Loads `peers/NAME.ts`, when a case needs it: a process has one peer in it. The path is no literal, because the types
 * of this folder are checked where the peers' packages are not installed; those of the peers are in a check of their own.
 */
export async function loadPeer(name: string): Promise<Peer> {
  const path = new URL(`peers/${name}.ts`, import.meta.url).href
  const peer: Peer = await import(path)
  return peer
}
