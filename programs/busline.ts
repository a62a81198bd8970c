#!/usr/bin/env node
import { BUSLINE_VERSION, visibleLine } from 'busline'
import { show } from './busline/show.ts'
import { EXIT } from './function-chat/exit-codes.ts'
import { functionChat } from './function-chat/main.ts'
import { Output } from './function-chat/output.ts'

const HELP = `Busline: LLM applications on a typed message bus.

Examples
  busline chat                          talk with a tool-calling model; no key needed
  busline chat --prompt "24*7?" --json  one turn, for programs
  busline show logs/RUN.jsonl           what a run did: turns, model calls, tool calls

Commands
  chat   the function-chat program
  show   the turns of a journal
busline COMMAND --help tells more; --version prints the version.
`

process.exitCode = await busline(process.argv.slice(2))

async function busline([command, ...rest]: string[]): Promise<number> {
  if (command === 'chat') return functionChat(rest)
  const output = new Output(process.stdout)
  switch (command) {
    case 'show':
      return show(rest, output)
    case '--version':
      await output.print(`${BUSLINE_VERSION}\n`)
      return EXIT.ok
    case '--help':
    case '-h':
      await output.print(HELP)
      return EXIT.ok
    case undefined:
      process.stderr.write(HELP)
      return EXIT.usage
    default:
      process.stderr.write(`There is no command ${visibleLine(command, 80)}. busline --help lists them.\n`)
      return EXIT.usage
  }
}
