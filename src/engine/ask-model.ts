import { ReadContext } from '../messages/context.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { ModelAnswerDelayed, type ModelAnswer, type Sampling } from '../messages/model.ts'
import { ListTools, type ToolDescription } from '../messages/tool.ts'
import { acceptAnswer, type AcceptedAnswer, type AcceptedCall } from './accept-answer.ts'
import { append } from './append-messages.ts'
import { answerOf, type Attempts } from './retry-model.ts'
import type { Turn } from './turn.ts'

/** What one step came to. */
export interface Step {
  text: string
  finishReason: string | null
  calls: AcceptedCall[]
}

/** How the engine asks, whatever it asks. */
export interface Asking {
  readonly model: string | null
  readonly sampling: Sampling
  readonly attempts: Attempts
  readonly maxCallsPerStep: number
  readonly maxSteps: number
  /** Milliseconds after which it is told that an answer is late, and again each time as long has passed. */
  readonly delayedAfter: number
  readonly after: (ms: number, run: () => void) => () => void
}

const NO_TOOLS: ToolDescription[] = []
/** Enough to find tools by; the journal need not hold a long text with every step. */
const ABOUT = 500

/** One step: lists the tools, reads the context, asks the model, appends its answer. */
export async function askModel(turn: Turn, asking: Asking): Promise<Step> {
  const about = turn.about.slice(0, ABOUT)
  const { signal } = turn
  const tools = await turn.scope.execute(ListTools, about === '' ? {} : { about }, { signal })
  const answer = await ask(turn, asking, tools)
  const accepted = accept(turn, answer, asking.maxCallsPerStep)
  const text = textOf(accepted.message) || refusalIn(accepted.message)
  if (accepted.calls.length > 0) {
    await appendAnswer(turn, answer, accepted.message)
    return { text, finishReason: answer.finishReason, calls: accepted.calls }
  }
  if (text !== '') return await inWords(turn, answer, { message: accepted.message, text })

  // Some models now and then say nothing at all; asked again, they mostly answer. Not one that has used up its tokens.
  const mayAsk = mayAnswerWhenAskedAgain(answer) && turn.steps < asking.maxSteps
  const last = mayAsk ? await ask(turn, asking, tools) : answer
  const { message, calls } = mayAsk ? accept(turn, last, asking.maxCallsPerStep) : accepted
  const said = textOf(message) || refusalIn(message)
  if (calls.length > 0) {
    await appendAnswer(turn, last, message)
    return { text: said, finishReason: last.finishReason, calls }
  }
  if (said === '') turn.warnings.push({ code: 'EMPTY_ANSWER', message: emptyAnswer(last) })
  return await inWords(turn, last, { message, text: said || emptyAnswer(last) })
}

/**
 * The last step of a turn at its limit: asks without tools. Calls that the model makes all the same are dropped, and words of
 * ours stand in for an empty answer.
 *
 * @param timeout milliseconds that it may take (default: as long as any call)
 */
export async function askForWords(
  turn: Turn,
  asking: Asking,
  { limit, timeout }: { limit: string; timeout?: number | undefined },
): Promise<Step> {
  const timer =
    timeout === undefined ? undefined : asking.after(timeout, () => turn.endWork(outOfTime(timeout)))
  try {
    const answer = await ask(turn, asking, NO_TOOLS)
    const { message } = accept(turn, answer, asking.maxCallsPerStep)
    const { tool_calls: _dropped, ...words } = message
    const said = textOf(words) || refusalIn(words)
    const text = said || `I stopped at the limit of this turn (${limit}) without an answer.`
    return { ...(await inWords(turn, answer, { message: words, text })), finishReason: limit }
  } finally {
    timer?.()
  }
}

/** Reads the context and asks; counts as a step. */
async function ask(turn: Turn, asking: Asking, tools: ToolDescription[]): Promise<ModelAnswer> {
  const { scope, wishes } = turn
  const { messages } = await scope.execute(ReadContext, { tools }, { signal: turn.signal })
  const { model, sampling, attempts } = asking
  turn.throwIfCancelled()
  turn.steps++
  const request = {
    model,
    messages,
    tools,
    ...sampling,
    ...wishes.sampling,
    ...(wishes.schema && { schema: wishes.schema }),
  }
  const stopTelling = tellDelays(turn, asking)
  try {
    const answer = await answerOf(turn, request, attempts)
    turn.spending.add(answer.usage, answer.cost)
    turn.answered = answer
    turn.heard = ''
    return answer
  } finally {
    stopTelling()
  }
}

function accept(turn: Turn, answer: ModelAnswer, maxCalls: number): AcceptedAnswer {
  const accepted = acceptAnswer(answer, {
    taken: turn.session?.callIds ?? new Set(),
    seed: `${turn.id}/${turn.messages.length}`,
    maxCalls,
  })
  if (turn.wishes.schema && accepted.calls.length === 0 && answer.output === undefined) {
    throw new BuslineError(
      'INVALID_OPTION',
      'A schema was asked for, and nobody parsed the answer. Attach structuredOutput() to the bus.',
    )
  }
  return accepted
}

/** Appends an answer in words. */
async function inWords(
  turn: Turn,
  answer: ModelAnswer,
  { message, text }: { message: ConversationMessage; text: string },
): Promise<Step> {
  const content = textOf(message) === '' ? text : message.content
  await appendAnswer(turn, answer, { ...message, ...(content !== undefined && { content }) })
  return { text, finishReason: answer.finishReason, calls: [] }
}

/** The message goes into the history with what its step took, so that a turn can be counted together after a crash. */
async function appendAnswer(turn: Turn, answer: ModelAnswer, message: ConversationMessage): Promise<void> {
  const meta = {
    ...(answer.model !== null && { model: answer.model }),
    ...(answer.finishReason !== null && { finishReason: answer.finishReason }),
    ...turn.spending.takeStep(),
  }
  await append(turn, [Object.keys(meta).length > 0 ? { ...message, meta } : message])
}

/** Tells that the answer is late, as long as nothing was heard of it. */
function tellDelays(turn: Turn, { delayedAfter, model, after }: Asking): () => void {
  let waited = 0
  const wait = (): (() => void) =>
    after(delayedAfter, () => {
      waited += delayedAfter
      if (turn.heard === '') turn.scope.publish(ModelAnswerDelayed, { waited, model })
      off = wait()
    })
  let off = wait()
  return () => off()
}

/** The model's own words for not answering stand in a field of their own. */
function refusalIn(message: ConversationMessage): string {
  const refusal = message['refusal']
  return typeof refusal === 'string' ? refusal : ''
}

function mayAnswerWhenAskedAgain({ finishReason }: ModelAnswer): boolean {
  return finishReason !== 'length' && finishReason !== 'content_filter'
}

function emptyAnswer({ finishReason }: ModelAnswer): string {
  if (finishReason === 'length') return 'The answer was cut by the token limit before a word of it came.'
  if (finishReason === 'content_filter') return "The provider's content filter stopped the answer."
  return 'The model gave an empty answer.'
}

function outOfTime(ms: number): BuslineError {
  return new BuslineError('TIMED_OUT', `The last answer of the turn took longer than ${ms} ms.`, {
    data: { phase: 'turn' },
  })
}
