import { createInterface } from 'node:readline'
import type { Conversation } from './conversation.ts'
import { EditorOutput } from './editor-output.ts'
import { EXIT } from './exit-codes.ts'
import type { ChatOptions } from './options.ts'
import { resumeTurn, runTurn, showEnd, type TurnOptions } from './run-turn.ts'
import type { TurnReport } from './turn-watch.ts'
import type { Screen } from './screen.ts'
import { isCommand, runCommand, unknownCommand } from './slash-commands.ts'
import { cancelled } from './stop-signals.ts'
import { Usage } from './usage.ts'
import { WaitingLines } from './waiting-lines.ts'

const PROMPT = '› '

/**
 * Talks with a person in a terminal. Lines that come while a turn runs (pasted ones) wait for their turn. Ctrl-C cancels a
 * running turn; at the prompt it leaves, like Ctrl-D.
 *
 * @returns the exit code
 */
export async function runRepl(
  conversation: Conversation,
  options: ChatOptions,
  {
    stdin,
    stdout,
    screen,
    signal,
  }: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream; screen: Screen; signal: AbortSignal },
): Promise<number> {
  const usage = new Usage()
  const lines = new WaitingLines<{ text: string; echoed: boolean }>()
  let running: AbortController | undefined
  const editor = new EditorOutput(stdout)
  const terminal = createInterface({
    input: stdin,
    output: editor,
    terminal: true,
    prompt: PROMPT,
    historySize: 1000,
  })
  terminal.on('line', (text) => {
    lines.push({ text: text.trim(), echoed: !editor.quiet })
    editor.quiet = true
  })
  terminal.on('close', () => lines.close())
  terminal.on('SIGINT', () => {
    if (running && !running.signal.aborted) running.abort(cancelled('with Ctrl-C'))
    else terminal.close()
  })
  const leave = (): void => {
    running?.abort(signal.reason)
    terminal.close()
  }
  signal.addEventListener('abort', leave, { once: true })
  // The terminal is gone: without a listener the error would end the process before the turn is kept. The editor is
  // closing then, and can't be closed once more.
  terminal.on('error', () => running?.abort(cancelled('because the terminal is gone')))

  try {
    prompt()
    for await (const { text, echoed } of lines) {
      if (!echoed) screen.line(`${PROMPT}${text}`)
      if ((await takeLine(text)) || signal.aborted) break
      if (lines.waiting === 0 && !lines.closed) prompt()
    }
    return EXIT.ok
  } finally {
    signal.removeEventListener('abort', leave)
    terminal.close()
    if (!editor.quiet) stdout.write('\n')
  }

  /** Shows the prompt, with what has been typed already. */
  function prompt(): void {
    editor.quiet = false
    terminal.prompt(true)
  }

  /** Says true when it is time to leave. */
  async function takeLine(text: string): Promise<boolean> {
    if (text === '') return false
    const outcome = isCommand(text) ? await takeCommand(text) : 'turn'
    if (outcome === 'turn') await takeTurn((how) => runTurn(conversation, text, how))
    if (outcome === 'resume') await takeTurn((how) => resumeTurn(conversation, how))
    return outcome === 'leave'
  }

  async function takeTurn(run: (how: TurnOptions) => Promise<TurnReport | undefined>): Promise<void> {
    running = new AbortController()
    const report = await run({
      signal: running.signal,
      timeout: options.timeout,
      onText: (piece) => screen.text(piece),
      onToolCall: (call) => screen.toolCall(call),
      onRetract: () => screen.line('The answer broke off; here is another.', 'yellow'),
    })
    running = undefined
    if (!report) return screen.line('No turn of this session was interrupted.')
    usage.add(report.usage, report.cost)
    showEnd(report, conversation.journal, { out: screen, talk: screen })
    screen.usage(report.usage, report.cost)
  }

  async function takeCommand(text: string): Promise<string> {
    try {
      const outcome = await runCommand(conversation, text, { screen, usage })
      if (outcome === 'unknown') screen.line(unknownCommand(text), 'yellow')
      return outcome
    } catch (error) {
      screen.line(error instanceof Error ? error.message : String(error), 'red')
      return 'failed'
    }
  }
}
