import { BuslineError } from '../messages/busline-error.ts'
import { SILENCE_MS } from './http-send.ts'
import { isRecord } from './is-record.ts'

/** How long one call may take, in milliseconds. */
export interface Timeouts {
  /** The whole of it (default: no limit but the caller's). */
  request?: number | undefined
  /** Until the first byte of the answer (default ten minutes: who is asked for a plain body is silent while it thinks). */
  firstChunk?: number | undefined
  /** Between two pieces of the answer (default ten minutes). Comments that keep a stream alive count as pieces. */
  betweenChunks?: number | undefined
}

/** Which of them ran out. */
export type TimeoutPhase = keyof Timeouts

/** The longest time that Node's timers know. */
const LONGEST_MS = 2 ** 31 - 1

const LATE: Record<TimeoutPhase, string> = {
  request: 'has not ended its answer within',
  firstChunk: 'has not begun to answer within',
  betweenChunks: 'has been silent in the middle of its answer for',
}

/**
 * The timeouts with their defaults.
 *
 * @throws BuslineError `INVALID_OPTION` for what is no object, for one that does not exist, or that is no number of
 * milliseconds above 0
 */
export function checkedTimeouts(timeouts: Timeouts = {}): Timeouts {
  const given: unknown = timeouts
  if (!isRecord(given)) throw noTimeouts('timeouts')
  for (const [phase, ms] of Object.entries(given)) {
    if (!Object.hasOwn(LATE, phase)) throw noTimeouts(`timeouts.${phase}`)
    if (ms === undefined || (typeof ms === 'number' && ms > 0 && ms <= LONGEST_MS)) continue
    throw new BuslineError(
      'INVALID_OPTION',
      `timeouts.${phase} must be a number of milliseconds from 1 to ${LONGEST_MS}, not ${JSON.stringify(ms)}. Leave it out for no limit of yours.`,
      { data: { option: `timeouts.${phase}` } },
    )
  }
  const { request, firstChunk = SILENCE_MS, betweenChunks = SILENCE_MS } = timeouts
  return { request, firstChunk, betweenChunks }
}

function noTimeouts(option: string): BuslineError {
  return new BuslineError(
    'INVALID_OPTION',
    `${option} is not what there is: timeouts is an object with any of ${Object.keys(LATE).join(', ')}, each in milliseconds.`,
    { data: { option } },
  )
}

/** Watches one call; `onTimeout` hears once, at once, with `TIMED_OUT` and `data.phase`. To be ended in any case. */
export class TimeoutWatch {
  #timeouts: Timeouts
  #where: string
  #onTimeout: (error: BuslineError) => void
  #whole: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #began = false

  constructor(timeouts: Timeouts, where: string, onTimeout: (error: BuslineError) => void) {
    this.#timeouts = timeouts
    this.#where = where
    this.#onTimeout = onTimeout
    this.#whole = this.#start('request', timeouts.request)
    this.#silence = this.#start('firstChunk', timeouts.firstChunk)
  }

  /** The same body; each piece that is read of it is a sign of life. */
  over(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const heard = (): void => this.#heard()
    return {
      [Symbol.asyncIterator]: () => {
        const pieces = body[Symbol.asyncIterator]()
        return {
          next: () => {
            const piece = pieces.next()
            void piece.then(heard, () => undefined)
            return piece
          },
          return: async () => (await pieces.return?.()) ?? { done: true, value: undefined },
        }
      },
    }
  }

  end(): void {
    clearTimeout(this.#whole)
    clearTimeout(this.#silence)
  }

  #heard(): void {
    if (this.#began) return void this.#silence?.refresh()
    this.#began = true
    clearTimeout(this.#silence)
    this.#silence = this.#start('betweenChunks', this.#timeouts.betweenChunks)
  }

  #start(phase: TimeoutPhase, ms: number | undefined): NodeJS.Timeout | undefined {
    if (ms === undefined) return undefined
    return setTimeout(() => {
      this.end()
      this.#onTimeout(
        new BuslineError(
          'TIMED_OUT',
          `${this.#where} ${LATE[phase]} ${ms} ms (timeouts.${phase}). Is it overloaded? Try again, or allow it more.`,
          { data: { phase, timeout: ms } },
        ),
      )
    }, ms)
  }
}
