import { parseArgs, type ParseArgsConfig } from 'node:util'
import { parseProblem, UsageError } from '../function-chat/usage-error.ts'
import type { Output } from '../function-chat/output.ts'
import { foldHelp } from './fold-help.ts'
import { nearest } from './nearest.ts'

/** What a command talks to. */
export interface Terminal {
  /** Stdout: data, and nothing else. */
  readonly output: Output
  /** One line on stderr, made visible. */
  readonly say: (text: string) => void
  /** Whether stdout wants colours: it is a terminal, and NO_COLOR is not set. */
  readonly color: boolean
  /** Columns of stdout, 100 where it is no terminal. */
  readonly columns: number
  /** How wide a table may be: the columns of stdout, and Infinity where it is no terminal. */
  readonly width: number
  /** Aborted by Ctrl-C, SIGTERM, or a reader that has enough. */
  readonly signal: AbortSignal
}

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & typeof COMMON; allowPositionals: true }>
>

/** One command of `busline`. */
export interface Command {
  /** Runs it and resolves to its exit code. Throws a BuslineError or a UsageError, of which the program tells. */
  run(argv: readonly string[], terminal: Terminal): Promise<number>
}

const COMMON = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const

/**
 * A command from its options in the form of `parseArgs`; `--help` and `--json` come by themselves.
 *
 * @param definition.help begins with what it does and examples; ends without a newline
 */
export function defineProgram<const O extends Options>(definition: {
  name: string
  help: string
  options: O
  run(args: Parsed<O>, terminal: Terminal): Promise<number>
}): Command {
  const { name, help, options } = definition
  const parse = (argv: readonly string[]) => {
    try {
      return parseArgs({ args: [...argv], options: { ...options, ...COMMON }, allowPositionals: true })
    } catch (error) {
      const near = nearOption(argv, Object.keys({ ...options, ...COMMON }))
      throw new UsageError(`${parseProblem(error)}${near} busline ${name} --help lists the options.`)
    }
  }
  return {
    async run(argv, terminal) {
      if (argv.includes('--help') || argv.includes('-h')) {
        await terminal.output.print(`${foldHelp(help, terminal.width)}\n`)
        return 0
      }
      return definition.run(parse(argv), terminal)
    },
  }
}

function nearOption(argv: readonly string[], known: readonly string[]): string {
  const unknown = argv
    .map((word) => /^--(?:no-)?([^=]+)/.exec(word)?.[1])
    .find((word) => word !== undefined && !known.includes(word))
  const [near] = unknown === undefined ? [] : nearest(unknown, known, 1)
  return near === undefined ? '' : ` Did you mean --${near}?`
}
