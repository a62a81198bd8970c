import { DeliveryFailed } from '../messages/delivery.ts'
import {
  AttemptFailed,
  CircuitClosed,
  CircuitHalfOpened,
  CircuitOpened,
  OutcomeNotStored,
} from '../messages/policies.ts'

const REPORTS: ReadonlySet<string> = new Set(
  [AttemptFailed, CircuitClosed, CircuitHalfOpened, CircuitOpened, DeliveryFailed, OutcomeNotStored].map(
    ({ type }) => type,
  ),
)

/**
 * Whether a message tells of a failure. A policy for all messages lets it pass: the report on a failed delivery of a
 * report would be the next one to fail.
 */
export function isReport({ type }: { readonly type: string }): boolean {
  return REPORTS.has(type)
}
