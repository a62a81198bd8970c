#!/usr/bin/env node
import { BUSLINE_VERSION, visibleLine } from 'busline'
import type { Command, Terminal } from './busline/command.ts'
import { COMMANDS } from './busline/commands.ts'
import { foldHelp } from './busline/fold-help.ts'
import { nearest } from './busline/nearest.ts'
import { commandNames, shellHelp } from './busline/shell-help.ts'
import { tellFailure } from './busline/tell-failure.ts'
import { EXIT } from './function-chat/exit-codes.ts'
import { Output } from './function-chat/output.ts'
import { sayWarnings } from './function-chat/say-warnings.ts'
import { cancelled, stopOnSignals } from './function-chat/stop-signals.ts'

/** How long a command may take to end after Ctrl-C; what it has not written by then was not meant to be whole. */
const PATIENCE_MS = 150

process.exitCode = await busline(process.argv.slice(2))

async function busline([name, ...rest]: string[]): Promise<number> {
  if (name === 'chat') return (await import('./function-chat/main.ts')).functionChat(rest, calledAs())
  if (name === 'help' && rest[0] !== undefined) return busline([rest[0], '--help'])
  const output = new Output(process.stdout)
  if (name === '--version') return await print(output, `${BUSLINE_VERSION}\n`)
  if (name === '--help' || name === '-h' || name === 'help')
    return await print(output, foldHelp(shellHelp(), widthOf(process.stdout)))
  if (name === undefined) {
    process.stderr.write(foldHelp(shellHelp(), widthOf(process.stderr)))
    return EXIT.usage
  }
  const listed = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (listed) return await run(() => listed.load(), rest, output)
  process.stderr.write(`${unknownCommand(name)}\n`)
  return EXIT.usage
}

/** From source it is a script of the repository, in the package a program of it. */
function calledAs(): { command: string; options: string } {
  const isSource = import.meta.url.endsWith('.ts')
  return { command: isSource ? 'npm run -s busline -- chat' : 'npx busline chat', options: '' }
}

function unknownCommand(name: string): string {
  const what = `There is no ${name.startsWith('-') ? 'option' : 'command'} ${visibleLine(name, 80)}.`
  const near = nearest(name, commandNames(), 2).map((command) => `busline ${command}`)
  return `${what} ${near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''}busline --help lists them.`
}

async function print(output: Output, text: string): Promise<number> {
  await output.print(text)
  return ended(output, EXIT.ok)
}

/** A reader that has enough is no failure; a disk that is full is one. */
function ended(output: Output, code: number): number {
  if (output.failure === undefined) return code
  if (output.isClosed) return EXIT.ok
  process.stderr.write(`${output.failure}\n`)
  return EXIT.io
}

async function run(load: () => Promise<Command>, argv: readonly string[], output: Output): Promise<number> {
  const { stdout, stderr, env } = process
  stderr.on('error', () => undefined)
  sayWarnings(stderr, Boolean(env['BUSLINE_DEBUG']))
  const stop = new AbortController()
  const offSignals = stopOnSignals(stop)
  stop.signal.addEventListener('abort', () => void setTimeout(leave, PATIENCE_MS, output).unref())
  output.onFailure(() => stop.abort(cancelled('because stdout was closed')))
  const terminal: Terminal = {
    output,
    say: (text) => void stderr.write(`${visibleLine(text)}\n`),
    color: wantsColor(stdout.isTTY, env),
    columns: stdout.isTTY ? stdout.columns : 100,
    width: widthOf(stdout),
    signal: stop.signal,
  }
  const told = (error: unknown): number => {
    const { code, lines } = tellFailure(error, env)
    for (const line of lines) terminal.say(line)
    return code
  }
  // What fails outside of the command's own promise would else end in a bare stack.
  const onUncaught = (error: unknown): never => process.exit(told(error))
  process.on('uncaughtException', onUncaught)
  try {
    const code = await (await load()).run(argv, terminal)
    return isInterrupted(stop, output) ? EXIT.interrupted : ended(output, code)
  } catch (error) {
    if (isInterrupted(stop, output)) return EXIT.interrupted
    return output.failure === undefined ? told(error) : ended(output, EXIT.ok)
  } finally {
    process.off('uncaughtException', onUncaught)
    offSignals()
  }
}

/** Ends the process of a command that is still at it: it reads from a pipe that nobody writes to, say. */
function leave(output: Output): never {
  process.exit(output.failure === undefined ? EXIT.interrupted : ended(output, EXIT.ok))
}

function isInterrupted({ signal }: AbortController, output: Output): boolean {
  return signal.aborted && output.failure === undefined
}

/** In how many columns a stream's lines have to fit; those of a file or pipe may be as long as they like. */
function widthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? stream.columns : Infinity
}

/** A terminal has colours unless NO_COLOR is set; FORCE_COLOR gives them to a pipe as well (no-color.org, force-color.org). */
function wantsColor(isTTY: boolean, { NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR) return false
  return FORCE_COLOR ? FORCE_COLOR !== '0' : isTTY
}
