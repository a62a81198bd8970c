import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { ToolCallOutcome, TurnResult, TurnWarning } from '../messages/chat.ts'
import type { ConversationMessage, TurnUsage } from '../messages/conversation.ts'
import type { ModelAnswer, OutputSchema, Sampling } from '../messages/model.ts'
import type { EngineSession } from './engine-sessions.ts'
import { Spending } from './spending.ts'

/** What one turn asks for beside its text. */
export interface TurnWishes {
  readonly model?: string | undefined
  readonly sampling?: Sampling | undefined
  readonly schema?: OutputSchema | undefined
}

/** A turn while it runs: what it has added so far, and where it writes. */
export class Turn {
  readonly id: string
  readonly scope: Scope
  readonly messages: ConversationMessage[] = []
  readonly toolCalls: ToolCallOutcome[] = []
  readonly warnings: TurnWarning[] = []
  readonly spending = new Spending()
  /** Epoch milliseconds at which it had its session to itself. */
  started: number
  wishes: TurnWishes = {}
  session: EngineSession | undefined
  steps = 0
  ended = false
  /** What the user said last, for whoever offers tools by it. */
  about = ''
  /** Its last answer, as far as the result tells of it. */
  answered: Pick<ModelAnswer, 'model' | 'output'> | undefined
  /** Whether it has had its session to itself, and whether its session knows that it ended. */
  began = false
  committed = false
  /** The id of the model call that runs, or ran last; of those that the turn itself makes. */
  call: string | undefined
  /** The id of the call whose text is heard: that one, or the repair of its answer. */
  speaking: string | undefined
  /** The text that was heard of it. */
  heard = ''
  #work = new AbortController()
  #timeIsUp = false
  #stopClock: () => void = () => undefined

  constructor(id: string, scope: Scope) {
    this.id = id
    this.scope = scope
    this.started = scope.message.time
  }

  /** Aborted when what the turn is doing has to end: because somebody interrupts it, or its time is up. */
  get signal(): AbortSignal {
    return this.#work.signal
  }

  /** Whether its time was up; it still comes to an answer. */
  get timeIsUp(): boolean {
    return this.#timeIsUp
  }

  /** Whether it was cancelled, from outside or by newer input: it comes to no answer. */
  get isCancelled(): boolean {
    return this.scope.signal.aborted || (this.#work.signal.aborted && !this.#timeIsUp)
  }

  /** Ends the turn as cancelled. */
  interrupt(reason: unknown): void {
    // What was ended by the clock before has another reason.
    if (this.#work.signal.aborted) this.#work = new AbortController()
    this.#timeIsUp = false
    this.#work.abort(reason)
  }

  /** Gives it so many milliseconds from now on; returns how to take that back. */
  limitTime(ms: number, after: (ms: number, run: () => void) => () => void): () => void {
    this.started = this.scope.now()
    const stop = after(ms, () =>
      this.endWork(
        new BuslineError('TIMED_OUT', `The turn took longer than ${ms} ms.`, { data: { phase: 'turn' } }),
      ),
    )
    this.#stopClock = stop
    return stop
  }

  /** Ends the model call and the tools that run, so that the turn can come to its end. */
  endWork(reason: unknown): void {
    if (this.#work.signal.aborted) return
    this.#timeIsUp = true
    this.#work.abort(reason)
  }

  /** What may still be done after its time was up runs under a signal of its own. */
  renewSignal(): void {
    this.#stopClock()
    if (this.#timeIsUp) this.#work = new AbortController()
  }

  /** Throws the reason when the turn was cancelled. */
  throwIfCancelled(): void {
    this.scope.signal.throwIfAborted()
    if (this.isCancelled) this.#work.signal.throwIfAborted()
  }

  get usage(): TurnUsage | null {
    return this.spending.usage
  }

  /** What the turn came to. */
  result(reply: string, finishReason: string | null): TurnResult {
    const { id, toolCalls, usage, messages, steps, warnings, answered } = this
    const { cost } = this.spending
    return {
      turn: id,
      reply,
      finishReason,
      toolCalls,
      usage,
      messages,
      steps,
      model: answered?.model ?? null,
      ...(cost !== undefined && { cost }),
      ...(answered?.output !== undefined && { output: answered.output }),
      ...(warnings.length > 0 && { warnings }),
    }
  }
}
