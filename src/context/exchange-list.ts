import type { ConversationMessage } from '../messages/conversation.ts'
import { exchangesOf, type Exchange } from './exchanges.ts'
import { callsOf, healExchange } from './heal-exchange.ts'

/** A piece of the history that has ended, from one user message to another, and what of it may be sent. */
interface Ended {
  readonly from: number
  readonly to: number
  /** Its calls without a result: one that comes later opens it again. */
  readonly unanswered: ReadonlySet<string>
  sent: readonly Exchange[]
  /** Undefined while they are not counted. */
  tokens: number | undefined
}

/**
 * What of a history may be sent, in whole exchanges, each valid for every server. One ends with the next user
 * message; a result that comes later still, because somebody wrote while a tool ran, goes to its call: then what lies between
 * is healed together. What a growing history costs is what it grows by.
 */
export class ExchangeList {
  readonly #history: readonly ConversationMessage[]
  readonly #ended: Ended[] = []
  /** Where the last piece begins, which still grows; its calls without a result. */
  #lastFrom = 0
  #open = new Set<string>()
  /** The ended piece that a call without a result is in. */
  readonly #waiting = new Map<string, Ended>()
  /** Worked out when asked for. */
  #last: readonly Exchange[] | undefined
  #exchanges: Exchange[] | undefined
  #flat: ConversationMessage[] | undefined
  readonly #uncounted = new Set<Ended>()
  #tokens = 0

  /** @param history the owner's list; it tells of each message that is added to it, and of each that is changed */
  constructor(history: readonly ConversationMessage[]) {
    this.#history = history
  }

  added(message: ConversationMessage, place: number): void {
    if (message.role === 'user' && place > this.#lastFrom) this.#endLast(place)
    this.#last = undefined
    for (const id of callsOf(message)) this.#open.add(id)
    if (message.role === 'tool') this.#answer(message.tool_call_id ?? '')
  }

  /** Messages at these places are others now, of the same role and with the same calls. */
  changed(places: Iterable<number>): void {
    const ended = new Set<Ended>()
    for (const place of places) {
      if (place >= this.#lastFrom) this.#last = undefined
      else ended.add(this.#endedAt(place))
    }
    for (const one of ended) {
      this.#uncount(one)
      one.sent = this.#healed(one.from, one.to)
      this.#uncounted.add(one)
    }
    if (ended.size > 0) this.#rearrange()
  }

  /** Oldest first. */
  exchanges(): readonly Exchange[] {
    if (!this.#exchanges) {
      this.#exchanges = []
      for (const { sent } of this.#ended) for (const exchange of sent) this.#exchanges.push(exchange)
    }
    return [...this.#exchanges, ...this.#lastHealed()]
  }

  /** The same in one list of the caller's own, behind some messages. */
  messages(before: readonly ConversationMessage[]): ConversationMessage[] {
    if (!this.#flat) {
      // Not by flatMap, which takes ten times as long for the many short lists of a long history.
      this.#flat = []
      for (const { sent } of this.#ended)
        for (const exchange of sent) for (const message of exchange) this.#flat.push(message)
    }
    return before.concat(this.#flat, this.#lastHealed().flat())
  }

  /** Their tokens, each message counted once; with one counter only, as a manager has. */
  tokens(countTokens: (message: ConversationMessage) => number): number {
    for (const one of this.#uncounted) {
      one.tokens = one.sent.flat().reduce((sum, message) => sum + countTokens(message), 0)
      this.#tokens += one.tokens
    }
    this.#uncounted.clear()
    return this.#lastHealed()
      .flat()
      .reduce((sum, message) => sum + countTokens(message), this.#tokens)
  }

  #endLast(to: number): void {
    const ended: Ended = {
      from: this.#lastFrom,
      to,
      unanswered: this.#open,
      sent: this.#healed(this.#lastFrom, to),
      tokens: undefined,
    }
    this.#ended.push(ended)
    for (const id of ended.unanswered) this.#waiting.set(id, ended)
    this.#uncounted.add(ended)
    if (this.#exchanges) for (const exchange of ended.sent) this.#exchanges.push(exchange)
    if (this.#flat) for (const message of ended.sent.flat()) this.#flat.push(message)
    this.#lastFrom = to
    this.#open = new Set()
  }

  #answer(call: string): void {
    const ended = this.#open.delete(call) ? undefined : this.#waiting.get(call)
    if (!ended) return
    let joined: Ended | undefined
    while (joined !== ended) {
      joined = this.#ended.pop()
      if (!joined) break
      this.#uncount(joined)
      this.#lastFrom = joined.from
      for (const id of joined.unanswered) {
        this.#waiting.delete(id)
        this.#open.add(id)
      }
    }
    this.#open.delete(call)
    this.#rearrange()
  }

  #uncount(ended: Ended): void {
    this.#tokens -= ended.tokens ?? 0
    ended.tokens = undefined
    this.#uncounted.delete(ended)
  }

  #rearrange(): void {
    this.#exchanges = undefined
    this.#flat = undefined
  }

  #lastHealed(): readonly Exchange[] {
    this.#last ??= this.#healed(this.#lastFrom, this.#history.length)
    return this.#last
  }

  #healed(from: number, to: number): readonly Exchange[] {
    const sent = this.#history
      .slice(from, to)
      .filter(({ meta }) => meta?.archived !== true && meta?.purged !== true)
    const healed = healExchange(sent)
    if (healed.length === 0) return []
    return healed.findLastIndex(({ role }) => role === 'user') > 0 ? exchangesOf(healed) : [healed]
  }

  #endedAt(place: number): Ended {
    let low = 0
    let high = this.#ended.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#ended[middle]?.from ?? Infinity) <= place) low = middle
      else high = middle - 1
    }
    const ended = this.#ended[low]
    if (!ended) throw new RangeError(`Nothing has ended before message ${place}.`)
    return ended
  }
}
