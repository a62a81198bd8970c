import { onAbort } from '../bus/on-abort.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { WhileBusy } from '../messages/chat.ts'

/** An input that wants a turn of its session. */
export interface Input<I, T> {
  /** The id of its command. */
  readonly id: string
  /** What it says. */
  readonly input: I
  readonly whileBusy: WhileBusy
  /** Aborted when nobody wants it any more. */
  readonly signal: AbortSignal
  /** Runs a turn of these inputs, itself the first of them. */
  turn(inputs: readonly Input<I, T>[]): Promise<T>
  /** Cancels the turn that it runs. */
  interrupt(reason: BuslineError): void
  /** Told when another input's turn has taken it in; that turn's result is its own then. */
  joined(into: string): void
}

/** One turn, waiting or running: its inputs, and who waits for its end. */
interface Entry<I, T> {
  readonly inputs: Input<I, T>[]
  readonly result: Promise<T>
  readonly settle: { resolve: (value: T) => void; reject: (reason: unknown) => void }
}

/**
 * One turn at a time per session. Input that comes while one runs waits in the order in which it came, joins what waits
 * (`batch`), is refused (`reject`), or cancels what runs and all that waits before it (`interrupt`). An input whose signal is
 * aborted while it waits leaves at once; the others keep their places.
 */
export class TurnQueue<I, T> {
  #lanes = new Map<string, { running: Entry<I, T>; waiting: Entry<I, T>[] }>()

  /** Resolves to the result of the turn that the input becomes a part of. @throws BuslineError `SESSION_BUSY` */
  run(session: string, input: Input<I, T>): Promise<T> {
    if (input.signal.aborted) return Promise.reject(input.signal.reason)
    const lane = this.#lanes.get(session)
    if (!lane) {
      const entry = newEntry(input)
      this.#begin(session, entry, [])
      return entry.result
    }
    if (input.whileBusy === 'reject') return Promise.reject(busy(session, lane.running.inputs[0]?.id))

    const last = lane.waiting.at(-1)
    const joins = input.whileBusy === 'batch' && last?.inputs[0]?.whileBusy === 'batch'
    const entry = joins ? last : newEntry(input)
    if (joins) last.inputs.push(input)
    else lane.waiting.push(entry)
    if (input.whileBusy === 'interrupt') interrupt(lane.running, input.id)
    return this.#wait(session, entry, input)
  }

  #wait(session: string, entry: Entry<I, T>, input: Input<I, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const off = onAbort(input.signal, () => {
        const lane = this.#lanes.get(session)
        // The first input of a turn that runs sees the end of it: it is its own.
        if (lane?.running === entry && entry.inputs[0] === input) return
        if (lane?.running !== entry) leave(lane?.waiting ?? [], entry, input)
        off()
        reject(input.signal.reason)
      })
      void entry.result.then(resolve, reject).finally(off)
    })
  }

  #begin(session: string, entry: Entry<I, T>, waiting: Entry<I, T>[]): void {
    const [first, ...others] = entry.inputs
    if (!first) return
    this.#lanes.set(session, { running: entry, waiting })
    for (const other of others) other.joined(first.id)
    const ended = (): void => this.#next(session, waiting)
    first.turn(entry.inputs).then(
      (result) => (ended(), entry.settle.resolve(result)),
      (reason: unknown) => (ended(), entry.settle.reject(reason)),
    )
    const newer = waiting.find(({ inputs }) => inputs[0]?.whileBusy === 'interrupt')
    if (newer) interrupt(entry, newer.inputs[0]?.id)
  }

  #next(session: string, waiting: Entry<I, T>[]): void {
    this.#lanes.delete(session)
    const next = waiting.shift()
    if (next) this.#begin(session, next, waiting)
  }
}

function newEntry<I, T>(input: Input<I, T>): Entry<I, T> {
  let settle: Entry<I, T>['settle'] = { resolve: () => undefined, reject: () => undefined }
  const result = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whoever waits hears of it by a promise of its own; where all have left, nobody has to.
  result.catch(() => undefined)
  return { inputs: [input], result, settle }
}

function leave<I, T>(waiting: Entry<I, T>[], entry: Entry<I, T>, input: Input<I, T>): void {
  entry.inputs.splice(entry.inputs.indexOf(input), 1)
  if (entry.inputs.length === 0) waiting.splice(waiting.indexOf(entry), 1)
}

function interrupt<I, T>(entry: Entry<I, T>, by: string | undefined): void {
  entry.inputs[0]?.interrupt(
    new BuslineError('CANCELLED', 'The turn was interrupted by newer input.', { data: { by } }),
  )
}

function busy(session: string, turn: string | undefined): BuslineError {
  return new BuslineError(
    'SESSION_BUSY',
    `Session ${session} is running a turn (${turn}). Wait for its end, or let input queue, batch or interrupt.`,
    { data: { session, turn } },
  )
}
