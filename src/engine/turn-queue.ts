import { onAbort } from '../bus/on-abort.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { WhileBusy } from '../messages/chat.ts'

/** An input that wants a turn of its session. */
export interface Input<I, T> {
  /** The id of the turn that it would be. */
  readonly id: string
  /** The id of its command: what it causes has ids that begin with it. */
  readonly command: string
  /** What it says. */
  readonly input: I
  /** The hidden context that its turn would have. */
  readonly context: Readonly<Record<string, unknown>>
  readonly whileBusy: WhileBusy
  /** Aborted when nobody wants it any more. */
  readonly signal: AbortSignal
  /** Whether it may become a part of another one's turn. */
  fits(other: Input<I, T>): boolean
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

interface Lane<I, T> {
  running: Entry<I, T>
  readonly waiting: Entry<I, T>[]
}

/**
 * One turn at a time per session. Input that comes while one runs waits in the order in which it came, joins what waits
 * (`batch`), is refused (`reject`), or cancels what runs and goes before all that waits (`interrupt`): of several such, the
 * newest is the one that comes to an answer. An input whose signal is aborted while it waits leaves at once; the others keep
 * their places. The first of a batch leads it: its signal ends the turn of all.
 */
export class TurnQueue<I, T> {
  #lanes = new Map<string, Lane<I, T>>()

  /**
   * Resolves to the result of the turn that the input becomes a part of.
   *
   * @throws BuslineError `SESSION_BUSY` when it is refused, or was sent by what the running turn does: they would wait for
   * each other
   */
  run(session: string, input: Input<I, T>): Promise<T> {
    if (input.signal.aborted) return Promise.reject(input.signal.reason)
    const lane = this.#lanes.get(session)
    if (!lane) {
      const entry = newEntry(input)
      this.#begin(session, { running: entry, waiting: [] })
      return entry.result
    }
    const [leader] = lane.running.inputs
    const isOwn = leader !== undefined && input.command.startsWith(`${leader.command}.`)
    if (isOwn || input.whileBusy === 'reject') return Promise.reject(busy(session, leader?.id, isOwn))
    return this.#wait(session, this.#enqueue(lane, input), input)
  }

  #enqueue(lane: Lane<I, T>, input: Input<I, T>): Entry<I, T> {
    const { running, waiting } = lane
    const last = waiting.at(-1)
    if (input.whileBusy === 'batch' && last?.inputs[0]?.whileBusy === 'batch' && last.inputs[0].fits(input)) {
      last.inputs.push(input)
      return last
    }
    const entry = newEntry(input)
    if (input.whileBusy !== 'interrupt') waiting.push(entry)
    else {
      waiting.splice(waiting.findLastIndex(interrupts) + 1, 0, entry)
      interrupt(running, input.id)
    }
    return entry
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

  #begin(session: string, lane: Lane<I, T>): void {
    const { running, waiting } = lane
    const [first, ...others] = running.inputs
    if (!first) return
    this.#lanes.set(session, lane)
    for (const other of others) other.joined(first.id)
    const ended = (): void => this.#next(session, waiting)
    first.turn(running.inputs).then(
      (result) => (ended(), running.settle.resolve(result)),
      (reason: unknown) => (ended(), running.settle.reject(reason)),
    )
    const newer = waiting.find(interrupts)
    if (newer) interrupt(running, newer.inputs[0]?.id)
  }

  #next(session: string, waiting: Entry<I, T>[]): void {
    this.#lanes.delete(session)
    const running = waiting.shift()
    if (running) this.#begin(session, { running, waiting })
  }
}

function interrupts<I, T>({ inputs }: Entry<I, T>): boolean {
  return inputs[0]?.whileBusy === 'interrupt'
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

function busy(session: string, turn: string | undefined, isOwn: boolean): BuslineError {
  const why = isOwn
    ? `What turn ${turn} does can't wait for a turn of its own session ${session}: it would wait for itself. Use another session.`
    : `Session ${session} is running a turn (${turn}). Wait for its end, or let input queue, batch or interrupt.`
  return new BuslineError('SESSION_BUSY', why, { data: { session, turn } })
}
