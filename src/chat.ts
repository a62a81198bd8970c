import type { MessageBus } from './bus/message-bus.ts'
import type { ExecuteOptions } from './bus/scope.ts'
import { BuslineError } from './messages/busline-error.ts'
import { RunTurn, type TurnResult } from './messages/chat.ts'
import { ModelTextReceived } from './messages/model.ts'
import { CloseSession } from './messages/session.ts'

export type SendOptions = Pick<ExecuteOptions, 'signal' | 'timeout' | 'context'>

/** The text of a turn as it arrives, and its result. Leaving the loop early does not end the turn; a signal does. */
export interface TextStream extends AsyncIterable<string> {
  readonly result: Promise<TurnResult>
}

/** One conversation with the engine. */
export interface Chat extends AsyncDisposable {
  /** The session's id. */
  readonly session: string
  /** Runs one turn; rejects with a coded error when it fails, is cancelled or times out. */
  send(text: string, options?: SendOptions): Promise<TurnResult>
  /** Runs one turn and yields its text as it arrives; throws in the loop what `send` would reject with. */
  stream(text: string, options?: SendOptions): TextStream
  /** Waits for the turns that run, then lets go of the session, so that other processes may open it. */
  close(): Promise<void>
}

export function openChat(bus: MessageBus, id: string): Chat {
  const session = bus.session(id)
  const running = new Set<Promise<TurnResult>>()
  const send = (text: string, options: SendOptions = {}): Promise<TurnResult> => {
    const turn = session.execute(RunTurn, { text }, options)
    running.add(turn)
    const ended = (): void => void running.delete(turn)
    turn.then(ended, ended)
    return turn
  }

  const close = async (): Promise<void> => {
    await Promise.allSettled(running)
    try {
      await session.execute(CloseSession, {})
    } catch (error) {
      const neverOpened =
        error instanceof BuslineError &&
        ['SESSION_NOT_OPEN', 'NO_HANDLER', 'SCOPE_DISPOSED'].includes(error.code)
      if (!neverOpened) throw error
    } finally {
      session.dispose()
    }
  }

  const stream = (text: string, options: SendOptions = {}): TextStream => {
    // Scopes hand their context down by reference, so an object of our own tells this turn's text from another's.
    const context = { ...options.context }
    const arriving = new ArrivingText()
    const off = session.on(ModelTextReceived, (delta, scope) => {
      if (scope.context === context) arriving.push(delta.text)
    })
    const result = send(text, { ...options, context })
    result
      .then(
        () => arriving.end(),
        (error: unknown) => arriving.end(error),
      )
      .finally(off)
    return { result, [Symbol.asyncIterator]: () => arriving.read() }
  }

  return { session: id, send, stream, close, [Symbol.asyncDispose]: close }
}

/** Text that arrives in its own time, read by whoever loops over it. */
class ArrivingText {
  #pieces: string[] = []
  #ended: { error?: unknown } | undefined
  #wake: () => void = () => undefined

  push(text: string): void {
    this.#pieces.push(text)
    this.#wake()
  }

  end(...[error]: [] | [unknown]): void {
    this.#ended = error === undefined ? {} : { error }
    this.#wake()
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
        this.#wake = resolve
      })
    }
  }
}
