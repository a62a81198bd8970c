import {
  ModelAnswerSuperseded,
  ModelTextReceived,
  type ResumeOptions,
  type ToolCallOutcome,
  type TurnResult,
} from 'busline'
import type { Conversation } from './conversation.ts'
import type { Screen } from './screen.ts'
import { watchTurn, type TurnReport } from './turn-watch.ts'

/** What a turn may take, and who is told of it while it runs. */
export interface TurnOptions {
  signal: AbortSignal
  timeout: number | undefined
  /** Gets the reply as it arrives; one that was not streamed at the end. */
  onText: (text: string) => void
  onToolCall: (call: ToolCallOutcome) => void
  /** Told before the text of another attempt, when the answer so far does not count any more. */
  onRetract: () => void
}

/** Runs one turn and reports it, however it ends. */
export function runTurn(
  conversation: Conversation,
  text: string,
  options: TurnOptions,
): Promise<TurnReport | undefined> {
  return listened(conversation, options, (how) => conversation.chat.send(text, how))
}

/** Goes on with the turn that a crash interrupted, and reports it; undefined when there is none. */
export function resumeTurn(
  conversation: Conversation,
  options: TurnOptions,
): Promise<TurnReport | undefined> {
  return listened(conversation, options, (how) => conversation.chat.resume(how))
}

async function listened(
  { app, chat }: Conversation,
  { signal, timeout, onText, onToolCall, onRetract }: TurnOptions,
  turn: (how: ResumeOptions) => Promise<TurnResult | null>,
): Promise<TurnReport | undefined> {
  const watch = watchTurn(app, onToolCall)
  using session = app.bus.session(chat.session)
  let said = ''
  let isRetracted = false
  session.on(ModelAnswerSuperseded, () => void (isRetracted = true))
  session.on(ModelTextReceived, ({ text }) => {
    if (isRetracted) onRetract()
    isRetracted = false
    said += text
    onText(text)
  })
  try {
    const result = await turn({ signal, timeout })
    if (!result) return undefined
    // At a limit the engine speaks for a model that says nothing; no server sent that.
    if (!said.endsWith(result.reply)) onText(result.reply)
    return watch.report({ result })
  } catch (error) {
    return watch.report({ error })
  } finally {
    watch.stop()
  }
}

/** Shows a turn's end on the screen; the error goes where talk goes, and ends with where to look. */
export function showEnd(report: TurnReport, journal: string, screens: { out: Screen; talk: Screen }): void {
  screens.out.endLine()
  for (const warning of report.warnings) screens.talk.line(warning, 'yellow')
  if (report.status === 'ok') return
  const where = report.journalLine === null ? journal : `${journal}:${report.journalLine}`
  const what = report.error?.message ?? 'The turn failed.'
  const remedy = report.status === 'timeout' ? ' Give it longer with --timeout.' : ''
  screens.talk.line(`${what}${remedy} (${where})`, report.status === 'cancelled' ? 'yellow' : 'red')
}
