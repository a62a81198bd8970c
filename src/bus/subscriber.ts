import type { MessageScope } from './message-scope.ts'
import type { Message } from './envelope.ts'
import type { Receipt } from './receipt.ts'

/** An event on its way to one subscriber. */
export interface Delivery {
  readonly message: Message
  readonly subscriber: Subscriber
  readonly key: string
  readonly receipt: Receipt
  readonly publisher: MessageScope | undefined
}

/**
 * One subscription. While a delivery is pending on a key, later events of that key wait in its lane; other keys
 * go on. A lane exists only while it is busy.
 */
export class Subscriber {
  readonly name: string
  readonly handler: (data: unknown, scope: MessageScope) => unknown
  readonly lanes = new Map<string, Delivery[]>()
  active = true
  discarded = 0

  constructor(name: string, handler: (data: unknown, scope: MessageScope) => unknown) {
    this.name = name
    this.handler = handler
  }
}
