import { MessageScope } from '../bus/message-scope.ts'
import type { MessageBus } from '../bus/message-bus.ts'
import type { DeliveryEnd } from '../bus/probe.ts'

/** A delivery, told by the event and the name of who gets it. */
export interface Delivery {
  readonly event: string
  readonly type: string
  readonly subscriber: string
}

/** What a bus was seen to do, to be compared with what its journal tells. */
export interface Ledger {
  readonly begun: readonly Delivery[]
  readonly ended: readonly (Delivery & Pick<DeliveryEnd, 'outcome'>)[]
}

/**
 * Keeps account of a bus from its beginning, and tells of work that begins before its line is recorded, or, for an
 * effect, before that line is as safe as the journal promises.
 */
export function keepLedger(
  bus: MessageBus,
  { isSafe, report }: { isSafe: (id: string) => boolean; report: (violation: string) => void },
): Ledger {
  const recorded = new Set<string>()
  const begun: Delivery[] = []
  const ended: (Delivery & Pick<DeliveryEnd, 'outcome'>)[] = []

  bus.tap(({ id }) => void (id === undefined || recorded.add(id)))
  bus.probe({
    deliveryEnded: ({ id, type }, { subscriber, outcome }) =>
      void ended.push({ event: id, type, subscriber, outcome }),
  })
  bus.use(async function ledger({ type, id }, next, scope) {
    const definition = bus.definition(type)
    // Deltas are recorded in batches, after their delivery.
    const isDelta = definition?.kind === 'event' && definition.stream
    if (!recorded.has(id) && !isDelta) report(`${type} (${id}) began before it was recorded`)
    if (definition?.kind === 'command' && definition.effect && !isSafe(id))
      report(`the effect ${type} (${id}) began before its line was safe`)
    if (scope instanceof MessageScope && scope.subscriber)
      begun.push({ event: id, type, subscriber: scope.subscriber.name })
    return next()
  })
  return { begun, ended }
}

/** Which deliveries have begun and not ended. */
export function unended({ begun, ended }: Ledger): Delivery[] {
  const over = new Set(ended.map(keyOf))
  return begun.filter((one) => !over.has(keyOf(one)))
}

/** The same for all attempts of a delivery. */
export function keyOf({ event, subscriber }: Pick<Delivery, 'event' | 'subscriber'>): string {
  return `${event} ${subscriber}`
}

/** How a delivery is called in a sentence. */
export function nameOf({ event, type, subscriber }: Delivery): string {
  return `the delivery of ${type} (${event}) to ${subscriber}`
}
