#!/usr/bin/env node
import { BUSLINE_VERSION, BuslineError, visibleLine } from 'busline'
import type { Terminal } from './busline/command.ts'
import { COMMANDS } from './busline/commands.ts'
import { EXIT, exitCodeFor } from './function-chat/exit-codes.ts'
import { Output } from './function-chat/output.ts'
import { cancelled, stopOnSignals } from './function-chat/stop-signals.ts'
import { UsageError } from './function-chat/usage-error.ts'

const HELP = `Busline: LLM applications on a typed message bus.

Examples
  busline chat                          talk with a tool-calling model; no key needed
  busline chat --prompt "24*7?" --json  one turn, for programs
  busline show @latest                  what the last run did: turns, model calls, tool calls

Commands
  chat      the function-chat program
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}\n`)
  .join('')}
busline COMMAND --help tells more; --version prints the version.
`

process.exitCode = await busline(process.argv.slice(2))

async function busline([name, ...rest]: string[]): Promise<number> {
  if (name === 'chat') return (await import('./function-chat/main.ts')).functionChat(rest)
  const output = new Output(process.stdout)
  if (name === '--version') return await print(output, `${BUSLINE_VERSION}\n`)
  if (name === '--help' || name === '-h') return await print(output, HELP)
  if (name === undefined) {
    process.stderr.write(HELP)
    return EXIT.usage
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command) return await run(await command.load(), rest, output)
  process.stderr.write(`There is no command ${visibleLine(name, 80)}. busline --help lists them.\n`)
  return EXIT.usage
}

async function print(output: Output, text: string): Promise<number> {
  await output.print(text)
  return EXIT.ok
}

async function run(
  command: Awaited<ReturnType<(typeof COMMANDS)[string]['load']>>,
  argv: readonly string[],
  output: Output,
): Promise<number> {
  const { stdout, stderr, env } = process
  stderr.on('error', () => undefined)
  const stop = new AbortController()
  const offSignals = stopOnSignals(stop)
  output.onFailure(() => stop.abort(cancelled('because stdout was closed')))
  const terminal: Terminal = {
    output,
    say: (text) => void stderr.write(`${visibleLine(text)}\n`),
    color: stdout.isTTY && !env['NO_COLOR'],
    columns: stdout.isTTY ? stdout.columns : 100,
    signal: stop.signal,
  }
  try {
    const code = await command.run(argv, terminal)
    return isInterrupted(stop, output) ? EXIT.interrupted : code
  } catch (error) {
    if (output.failure !== undefined) return EXIT.ok
    if (isInterrupted(stop, output)) return EXIT.interrupted
    if (!(error instanceof BuslineError) && !(error instanceof UsageError)) throw error
    terminal.say(error.message)
    return exitCodeFor(error)
  } finally {
    offSignals()
  }
}

function isInterrupted({ signal }: AbortController, output: Output): boolean {
  return signal.aborted && output.failure === undefined
}
