import { COMMANDS } from './commands.ts'

/** What people come for, and the commands that serve it; a command that stands nowhere here is listed at the end. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Look at runs': ['runs', 'show', 'tail', 'trace', 'why', 'search', 'stats', 'diff', 'export'],
  'Check them': ['verify', 'recover', 'test'],
  'Run again': ['replay', 'fork', 'reprice'],
  'Manage what is kept': ['sessions', 'prune'],
}

const CHAT = ['chat', 'talk with a tool-calling model; no key needed'] as const

/** The names of all commands. */
export function commandNames(): string[] {
  return ['chat', ...Object.keys(COMMANDS)]
}

/** What `busline --help` prints. */
export function shellHelp(): string {
  const grouped = new Set(Object.values(GROUPS).flat())
  const others = Object.keys(COMMANDS).filter((name) => !grouped.has(name))
  const groups = [...Object.entries(GROUPS), ['Others', others] as const]
  return `Busline: LLM applications on a typed message bus. Every run leaves a journal; these commands read it.

Examples
  busline chat                          talk with a tool-calling model
  busline chat --prompt "24*7?" --json  one turn, for programs
  busline runs                          the runs in logs, newest first
  busline show                          what the last run did: turns, model calls, tool calls
  busline show @latest~1 --events       every message of the one before, a line each

Talk
${listed([CHAT])}
${groups
  .map(([title, names]) => group(title, names))
  .filter((text) => text !== '')
  .join('\n')}
A run is a path, - for stdin, @latest, @latest~1, or the beginning of its id or file name in --log-dir.
busline COMMAND --help tells more (so does busline help COMMAND); --version prints the version.
Exit codes: 0 well, 1 a negative answer, 2 usage, 3 damaged file, 4 input or output, 5 replay miss, 130 Ctrl-C
`
}

function group(title: string, names: readonly string[]): string {
  const rows = names.flatMap((name) => {
    const summary = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.summary : undefined
    return summary === undefined ? [] : [[name, summary] as const]
  })
  return rows.length === 0 ? '' : `${title}\n${listed(rows)}`
}

function listed(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, summary]) => `  ${name.padEnd(9)} ${summary}\n`).join('')
}
