import type { Readable } from 'node:stream'
import type { Conversation } from './conversation.ts'
import { EXIT } from './exit-codes.ts'
import { inputLines, type InputLine } from './input-lines.ts'
import { turnLine } from './json-line.ts'
import type { ChatOptions } from './options.ts'
import type { Output } from './output.ts'
import { resumeTurn, runTurn, showEnd, type TurnOptions } from './run-turn.ts'
import type { Screen } from './screen.ts'
import { isCommand, runCommand, unknownCommand } from './slash-commands.ts'
import type { TurnReport } from './turn-watch.ts'
import { Usage } from './usage.ts'

/** What a batch reads, where it writes, and what stops it. */
export interface BatchIo {
  stdin: Readable
  output: Output
  /** Replies: stdout. */
  out: Screen
  /** All else: stderr. */
  talk: Screen
  /** Aborted by Ctrl-C and the like, and when nobody reads stdout any more. */
  signal: AbortSignal
}

/**
 * Runs the turns of `--prompt`, or of the lines of a pipe, one after another. A failed turn does not stop the next;
 * Ctrl-C and a closed stdout do.
 *
 * @returns the exit code
 */
export async function runBatch(
  conversation: Conversation,
  options: ChatOptions,
  { stdin, output, out, talk, signal }: BatchIo,
): Promise<number> {
  const usage = new Usage()
  let worst: number = EXIT.ok
  let strangeLines = 0

  for await (const line of linesOf(options, stdin, signal)) {
    if (signal.aborted) break
    if ('problem' in line) {
      // Once: a picture that was piped by mistake has hundreds of them.
      if (++strangeLines === 1) talk.line(line.problem)
      worst = EXIT.io
      continue
    }
    if (!line.isPrompt && isCommand(line.text)) {
      const outcome = await runCommand(conversation, line.text, { screen: options.json ? talk : out, usage })
      if (outcome === 'leave') break
      if (outcome === 'resume') {
        const status = await takeTurn((how) => resumeTurn(conversation, how))
        if (status === undefined) talk.line('No turn of this session was interrupted.')
        if (status !== undefined && status !== 'ok') worst = Math.max(worst, EXIT.failed)
      }
      if (outcome === 'unknown') {
        talk.line(unknownCommand(line.text))
        worst = Math.max(worst, EXIT.usage)
      }
      continue
    }
    const status = await takeTurn((how) => runTurn(conversation, line.text, how))
    if (status !== 'ok') worst = Math.max(worst, EXIT.failed)
  }
  if (output.failure !== undefined) return EXIT.io
  return signal.aborted ? EXIT.interrupted : worst

  async function takeTurn(
    run: (how: TurnOptions) => Promise<TurnReport | undefined>,
  ): Promise<string | undefined> {
    const report = await run({
      signal,
      timeout: options.timeout,
      onText: (piece) => {
        if (!options.json) out.text(piece)
      },
      onToolCall: (call) => {
        if (options.json) return
        out.endLine()
        // In a log or a pipe of errors it would be in the way.
        if (talk.isTerminal) talk.toolCall(call)
      },
      onRetract: () => {
        if (options.json) return
        out.endLine()
        talk.line('The answer broke off; here is another.', 'yellow')
      },
    })
    if (!report) return undefined
    usage.add(report.usage, report.cost)
    if (options.json) await output.print(turnLine(conversation.chat.session, report))
    else if (output.failure === undefined) showEnd(report, conversation.journal, { out, talk })
    // Waits for what the turn has written, so that a reader who is gone is noticed before the next turn.
    await output.print('')
    return report.status
  }
}

async function* linesOf(
  options: ChatOptions,
  stdin: Readable,
  signal: AbortSignal,
): AsyncGenerator<InputLine & { isPrompt?: boolean }> {
  if (options.prompts.length > 0) {
    for (const [index, text] of options.prompts.entries()) yield { number: index + 1, text, isPrompt: true }
    return
  }
  for await (const line of inputLines(stdin, signal)) {
    if ('problem' in line || line.text.trim() !== '') yield line
  }
}
