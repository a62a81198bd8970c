import type { Command } from './command.ts'

interface Listed {
  /** One line for `busline --help`. */
  readonly summary: string
  /** Loaded when it is called: a command should not wait for the others. */
  load(): Promise<Command>
}

/** All commands of `busline` over journals and sessions, in the order in which its help lists them. */
export const COMMANDS: Readonly<Record<string, Listed>> = {
  runs: {
    summary: 'the runs of a folder, with what each took',
    load: async () => (await import('./runs.ts')).runs,
  },
  show: {
    summary: 'a run as a conversation, or message by message',
    load: async () => (await import('./show.ts')).show,
  },
  export: {
    summary: 'a run as Markdown, CSV, a trace, a training file or OpenTelemetry spans',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  sessions: {
    summary: 'list, show, export, delete and rebuild sessions',
    load: async () => (await import('./sessions.ts')).sessions,
  },
  stats: {
    summary: 'what a run adds up to: calls, tokens, cost, latency',
    load: async () => (await import('./stats.ts')).stats,
  },
  prune: {
    summary: 'delete old runs from a folder of journals',
    load: async () => (await import('./prune.ts')).prune,
  },
  search: {
    summary: 'find lines by text, type, status, duration, fields',
    load: async () => (await import('./search.ts')).search,
  },
  replay: {
    summary: 'run a run again from its journal, and tell what differs',
    load: async () => (await import('./replay.ts')).replay,
  },
  diff: {
    summary: 'where two runs part, and what each took',
    load: async () => (await import('./diff.ts')).diff,
  },
  fork: {
    summary: 'go on from any line of a run; with --run: what if',
    load: async () => (await import('./fork.ts')).fork,
  },
  reprice: {
    summary: 'what a run would have cost with another price table',
    load: async () => (await import('./reprice.ts')).reprice,
  },
  trace: {
    summary: 'a turn over time, with first-chunk ticks and the critical path',
    load: async () => (await import('./trace.ts')).trace,
  },
  why: {
    summary: 'what caused a message, and what came of it',
    load: async () => (await import('./why.ts')).why,
  },
  tail: {
    summary: 'follow a run while it is written',
    load: async () => (await import('./tail.ts')).tail,
  },
  verify: {
    summary: 'whether runs keep the rules of the journal',
    load: async () => (await import('./verify.ts')).verify,
  },
  recover: {
    summary: 'make a damaged journal readable again',
    load: async () => (await import('./recover.ts')).recover,
  },
  test: {
    summary: 'make tests of recorded runs, and run them',
    load: async () => (await import('./test.ts')).test,
  },
}
