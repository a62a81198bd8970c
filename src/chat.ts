import type * as z from 'zod'
import type { MessageBus } from './bus/message-bus.ts'
import type { ExecuteOptions } from './bus/scope.ts'
import { BuslineError } from './messages/busline-error.ts'
import { ResumeTurn, RunTurn, type TurnResult } from './messages/chat.ts'
import { ModelTextReceived } from './messages/model.ts'
import { parseWith, type Schema } from './messages/schema.ts'
import { CloseSession } from './messages/session.ts'
import { outputSchema } from './structured/output-schema.ts'

type TurnWishes = Pick<z.input<typeof RunTurn.input>, 'attachments' | 'model' | 'sampling' | 'whileBusy'>

export interface SendOptions extends TurnWishes, Pick<ExecuteOptions, 'signal' | 'timeout' | 'context'> {
  /** What the reply has to be: JSON that fits this zod schema, parsed in `output` (default: words). */
  schema?: Schema | undefined
}

export interface ResumeOptions extends Pick<ExecuteOptions, 'signal' | 'timeout' | 'context'> {
  /** As for `send`. */
  schema?: Schema | undefined
}

/** What a turn came to that was asked for a value. */
export type TurnOutput<S extends Schema> = TurnResult & { output: z.output<S> }

/** The text of a turn as it arrives, and its result. Leaving the loop early does not end the turn; a signal does. */
export interface TextStream<Result = TurnResult> extends AsyncIterable<string> {
  readonly result: Promise<Result>
}

/** One conversation with the engine. */
export interface Chat extends AsyncDisposable {
  /** The session's id. */
  readonly session: string
  /**
   * Runs one turn; rejects with a coded error when it fails, is cancelled or times out. With a `schema`, `output` is the reply
   * as that parses it; `OUTPUT_INVALID` where it does not fit, after one repair.
   */
  send<S extends Schema>(text: string, options: SendOptions & { schema: S }): Promise<TurnOutput<S>>
  send(text: string, options?: SendOptions): Promise<TurnResult>
  /** Runs one turn and yields its text as it arrives; throws in the loop what `send` would reject with. */
  stream<S extends Schema>(text: string, options: SendOptions & { schema: S }): TextStream<TurnOutput<S>>
  stream(text: string, options?: SendOptions): TextStream
  /**
   * Goes on with the turn that a crash interrupted, up to its reply; null when there is none. The turn asks for what it was
   * begun with; a `schema` here only parses its output.
   */
  resume<S extends Schema>(options: ResumeOptions & { schema: S }): Promise<TurnOutput<S> | null>
  resume(options?: ResumeOptions): Promise<TurnResult | null>
  /** Waits for the turns that run, then lets go of the session, so that other processes may open it. */
  close(): Promise<void>
}

export function openChat(bus: MessageBus, id: string): Chat {
  const session = bus.session(id)
  const running = new Set<Promise<unknown>>()
  const track = <T>(turn: Promise<T>): Promise<T> => {
    running.add(turn)
    const ended = (): void => void running.delete(turn)
    turn.then(ended, ended)
    return turn
  }

  function send<S extends Schema>(text: string, options: SendOptions & { schema: S }): Promise<TurnOutput<S>>
  function send(text: string, options?: SendOptions): Promise<TurnResult>
  function send(text: string, options: SendOptions = {}): Promise<TurnResult> {
    return track(run(text, options))
  }
  // A function that waits, so that an option that is refused rejects too.
  async function run(text: string, options: SendOptions): Promise<TurnResult> {
    const { signal, timeout, context, schema, ...wishes } = options
    const input = { text, ...wishes, ...(schema && { schema: outputSchema(schema) }) }
    const result = await session.execute(RunTurn, input, { signal, timeout, context })
    return schema ? parsed(schema, result) : result
  }

  function resume<S extends Schema>(options: ResumeOptions & { schema: S }): Promise<TurnOutput<S> | null>
  function resume(options?: ResumeOptions): Promise<TurnResult | null>
  function resume({ schema, ...options }: ResumeOptions = {}): Promise<TurnResult | null> {
    const turn = session.execute(ResumeTurn, {}, options)
    return track(schema ? turn.then((result) => result && parsed(schema, result)) : turn)
  }

  const close = async (): Promise<void> => {
    await Promise.allSettled(running)
    try {
      await session.execute(CloseSession, {})
    } catch (error) {
      // Not open, or not ours alone: another chat's turn runs in it.
      const isNotOurs =
        error instanceof BuslineError &&
        ['SESSION_NOT_OPEN', 'NO_HANDLER', 'SCOPE_DISPOSED', 'SESSION_BUSY'].includes(error.code)
      if (!isNotOurs) throw error
    } finally {
      session.dispose()
    }
  }

  function stream<S extends Schema>(
    text: string,
    options: SendOptions & { schema: S },
  ): TextStream<TurnOutput<S>>
  function stream(text: string, options?: SendOptions): TextStream
  function stream(text: string, options: SendOptions = {}): TextStream {
    // Scopes hand their context down by reference, so an object of our own tells this turn's text from another's.
    const context = { ...options.context }
    const arriving = new ArrivingText()
    const off = session.on(ModelTextReceived, (delta, scope) => {
      if (scope.context === context) arriving.push(delta.text)
    })
    const result = send(text, { ...options, context })
    result
      .then(
        ({ reply }) => arriving.end({ reply }),
        (error: unknown) => arriving.end({ error }),
      )
      .finally(off)
    return { result, [Symbol.asyncIterator]: () => arriving.read() }
  }

  return { session: id, send, stream, resume, close, [Symbol.asyncDispose]: close }
}

/** A transform or a refinement says more than a JSON Schema can. */
function parsed<S extends Schema>(schema: S, result: TurnResult): TurnOutput<S> {
  return { ...result, output: parseWith(schema, result.output, 'The reply', 'OUTPUT_INVALID') }
}

/** Text that arrives in its own time, read by whoever loops over it. */
class ArrivingText {
  #pieces: string[] = []
  #ended: { error: unknown } | { reply: string } | undefined
  #readers = new Set<() => void>()

  push(text: string): void {
    this.#pieces.push(text)
    this.#wakeAll()
  }

  /** A turn whose text nobody heard, because another one took it in or its provider publishes none, is heard at its end. */
  end(end: { error: unknown } | { reply: string }): void {
    if ('reply' in end && this.#pieces.length === 0 && end.reply !== '') this.#pieces.push(end.reply)
    this.#ended = end
    this.#wakeAll()
  }

  async *read(): AsyncGenerator<string> {
    for (let next = 0; ;) {
      const piece = this.#pieces[next]
      if (piece !== undefined) {
        next++
        yield piece
        continue
      }
      if (this.#ended) {
        if ('error' in this.#ended) throw this.#ended.error
        return
      }
      await new Promise<void>((resolve) => {
        this.#readers.add(resolve)
      })
    }
  }

  #wakeAll(): void {
    for (const wake of this.#readers) wake()
    this.#readers.clear()
  }
}
