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
  #children = 0
  #sameAs: Message | undefined

  constructor(
    kind: 'command' | 'event',
    type: string,
    id: string,
    time: number,
    origin: { session: string | undefined; turn: string | undefined; parent: Message | undefined },
    data: unknown,
    sameAs?: Message,
  ) {
    this.kind = kind
    this.type = type
    this.id = id
    this.time = time
    this.session = origin.session
    this.turn = origin.turn
    this.cause = origin.parent?.id
    this.root = origin.parent?.root ?? id
    this.data = data
    this.#sameAs = sameAs
  }

  /** The id of this message's next child. */
  childId(): string {
    return this.#sameAs?.childId() ?? `${this.id}.${++this.#children}`
  }
}
