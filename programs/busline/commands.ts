import type { Command } from './command.ts'

interface Listed {
  /** One line for `busline --help`. */
  readonly summary: string
  /** Loaded when it is called: a command should not wait for the others. */
  load(): Promise<Command>
}

/** All commands of `busline` over journals and sessions, in the order in which its help lists them. */
export const COMMANDS: Readonly<Record<string, Listed>> = {
  show: {
    summary: 'the turns of a journal',
    load: async () => (await import('./show.ts')).show,
  },
}
