import { chdir } from 'node:process'
import { COMMANDS } from '../../programs/busline/commands.ts'
import { runCommand } from '../programs/fixtures/run-command.ts'

/**
 * A program of its own: runs commands of `busline` one after another in the folder that is given first, and prints of each
 * how it ended, as a line of JSON. What follows are the command lines, each a JSON list of words.
 */
const [folder = '', ...lines] = process.argv.slice(2)
chdir(folder)
for (const line of lines) {
  const words: unknown = JSON.parse(line)
  const [name = '', ...argv] = Array.isArray(words) ? words.map(String) : []
  const command = await COMMANDS[name]?.load()
  const ran = command ? await runCommand(command, argv) : { code: -1, stdout: '', stderr: 'no such command' }
  process.stdout.write(`${JSON.stringify(ran)}\n`)
}
// A replay may leave handlers of the app behind that listen.
process.exit(0)
