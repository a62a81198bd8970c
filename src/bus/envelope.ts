/** What every message carries beside its data. Ids are structural: `<root>` or `<cause>.<ordinal>`. */
export interface Envelope {
  readonly kind: 'command' | 'event'
  readonly type: string
  readonly id: string
  readonly session: string | undefined
  readonly turn: string | undefined
  /** Id of the direct parent message (causation); undefined at the root. */
  readonly cause: string | undefined
  /** Id of the first message of the chain (correlation). */
  readonly root: string
  /** Epoch milliseconds at which the bus accepted it. */
  readonly time: number
}

/**
 * A message on its way: the envelope, the parsed data, and the ordinals that its children draw. The deltas of one
 * batch are one message to the journal, so they draw from one counter (`sameAs`).
 */
export class Message implements Envelope {
  readonly kind: 'command' | 'event'
  readonly type: string
  readonly id: string
  readonly session: string | undefined
  readonly turn: string | undefined
  readonly cause: string | undefined
  readonly root: string
  readonly time: number
  readonly data: unknown
  /** How many messages stand above it in its chain. */
  readonly depth: number
  /** Whether the handler of this command has begun: what reads the clock before that is a middleware. */
  begun = false
  #children = 0
  #draws = 0
  #sameAs: Message | undefined

  // Positional, because one is made for every message: an object of named parts costs as much as the message.
  constructor(
    kind: 'command' | 'event',
    type: string,
    id: string,
    time: number,
    session: string | undefined,
    turn: string | undefined,
    parent: Message | undefined,
    data: unknown,
    sameAs?: Message,
  ) {
    this.kind = kind
    this.type = type
    this.id = id
    this.time = time
    this.session = session
    this.turn = turn
    this.data = data
    if (parent === undefined) {
      this.cause = undefined
      this.root = id
      this.depth = 0
    } else {
      this.cause = parent.id
      this.root = parent.root
      this.depth = parent.depth + 1
    }
    this.#sameAs = sameAs
  }

  /** Whether it has caused any message. */
  get hasChildren(): boolean {
    return this.#children > 0
  }

  /** What the next id or random number of its handler follows from. */
  nextDraw(): string {
    return this.#sameAs?.nextDraw() ?? `${this.id}#${++this.#draws}`
  }

  /** The id of this message's next child. */
  childId(): string {
    return this.#sameAs?.childId() ?? `${this.id}.${++this.#children}`
  }
}
