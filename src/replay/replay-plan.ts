import type { Participant } from '../bus/bus.ts'

/** What a replay of one run needs to know. */
export interface ReplayPlan {
  readonly app: Participant
  readonly mode: 'strict' | 'keep-going'
  /** Types, or patterns of them, whose handlers run although they are effects. */
  readonly live: readonly string[]
  /** The same for commands that the journal answers although they are none. */
  readonly answered: readonly string[]
  /** Real milliseconds to wait for a line that the app has to write by itself. */
  readonly patience: number
  readonly newId: (() => string) | undefined
  readonly random: (() => number) | undefined
  /** Awaited before each thing that the replay brings about. */
  readonly pause: ((line: number) => Promise<void>) | undefined
  readonly signal: AbortSignal | undefined
  /** Runs a handler or subscriber; that of an effect may touch the world. */
  readonly around: (message: { type: string; id: string }, run: () => unknown, isEffect: boolean) => unknown
  /** Where `seq` goes on. */
  readonly nextSeq: number
}
