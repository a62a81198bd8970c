import { BUSLINE_VERSION, BuslineError, DeleteSession, TurnFailed, visibleLine } from 'busline'
import { banner } from './banner.ts'
import { runBatch } from './batch.ts'
import { openConversation, type Conversation } from './conversation.ts'
import { EXIT, exitCodeFor } from './exit-codes.ts'
import { listSessions } from './list-sessions.ts'
import { chatHelp, parseOptions, type Called, type ChatOptions } from './options.ts'
import { Output } from './output.ts'
import { runRepl } from './repl.ts'
import { sayWarnings } from './say-warnings.ts'
import { Screen } from './screen.ts'
import { cancelled, stopOnSignals } from './stop-signals.ts'

/** As the script of this repository. */
const AS_SCRIPT: Called = { command: 'npm run -s chat', options: ' --' }

/** The function-chat program: options in, exit code out. Says what went wrong in one line on stderr. */
export async function functionChat(argv: readonly string[], called = AS_SCRIPT): Promise<number> {
  const { stdout, stderr, env } = process
  // Nobody is left to tell when stderr is closed.
  stderr.on('error', () => undefined)
  const output = new Output(stdout)
  let options: ChatOptions | undefined
  try {
    options = parseOptions(argv, env)
    sayWarnings(stderr, options.logLevel === 'debug')
    if (options.help) return await say(output, `${chatHelp(called)}\n`)
    if (options.version) return await say(output, `${BUSLINE_VERSION}\n`)
    if (options.listSessions) {
      const { text, unreadable } = await listSessions(options.sessionsDir, options.json)
      const code = await say(output, text)
      return code === EXIT.ok && unreadable > 0 ? EXIT.damaged : code
    }
    return await chat(options, output)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    stderr.write(`${visibleLine(withoutKey(message, options?.apiKey))}\n`)
    if (options?.logLevel === 'debug' && error instanceof Error && !(error instanceof BuslineError))
      stderr.write(`${error.stack}\n`)
    return exitCodeFor(error)
  }
}

/** A short key is no secret and stands in every other word. */
function withoutKey(message: string, key = ''): string {
  return key.length < 8 ? message : message.replaceAll(key, '[secret]')
}

async function say(output: Output, text: string): Promise<number> {
  await output.print(text)
  if (output.failure === undefined) return EXIT.ok
  process.stderr.write(`${output.failure}\n`)
  return EXIT.io
}

async function chat(options: ChatOptions, output: Output): Promise<number> {
  const { stdin, stdout, stderr } = process
  const isTalk = options.prompts.length === 0 && stdin.isTTY && stdout.isTTY && !options.json
  const out = new Screen(stdout)
  const talk = isTalk ? out : new Screen(stderr)
  const conversation = await openConversation(options, {
    // In text the program says itself how a turn failed; the event line would say it twice.
    except: options.json ? [] : [TurnFailed.type],
    write: (line) => talk.line(line.trimEnd()),
  })
  const stop = new AbortController()
  const { signal } = stop
  const offSignals = stopOnSignals(stop)
  output.onFailure(() => stop.abort(cancelled('because stdout was closed')))

  try {
    if (!options.json) banner(conversation, options, talk)
    return isTalk
      ? await runRepl(conversation, options, { stdin, stdout, screen: out, signal })
      : await runBatch(conversation, options, { stdin, output, out, talk, signal })
  } finally {
    const isKept = await leave(conversation)
    offSignals()
    const { id } = conversation.session
    if (output.failure !== undefined) {
      const kept = isKept ? ` Session ${id} holds what was said.` : ''
      talk.line(`${output.failure}${kept}`)
    } else if (isTalk && isKept) talk.line(`To go on with this session: --session ${id}`, 'gray')
  }
}

/** Leaves no empty session behind, then stops everything. Says whether the session is kept. */
async function leave({ app, chat, untouched }: Conversation): Promise<boolean> {
  const isEmpty = untouched()
  try {
    if (isEmpty) await app.bus.execute(DeleteSession, { id: chat.session })
  } finally {
    await app.stop()
  }
  return !isEmpty
}
