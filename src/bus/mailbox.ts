import { BuslineError } from '../messages/busline-error.ts'
import type { Fifo } from './fifo.ts'

/**
 * What happens to an event that comes to a full mailbox:
 * - `reject` (default): this subscriber does not get it, and `receipt.accepted` rejects with `MAILBOX_FULL`;
 * - `wait`: it waits before the mailbox, and `receipt.accepted` resolves when it is in; for publishers outside of
 *   deliveries, who can slow down, and for as many events again as the mailbox holds. Anybody else is rejected;
 * - `drop-newest`: this subscriber does not get it, silently but for the record;
 * - `drop-oldest`: the oldest one waiting makes room;
 * - `coalesce`: the newest one waiting of the same type makes room; without such a one it is rejected.
 */
export type Overflow = 'wait' | 'reject' | 'drop-oldest' | 'drop-newest' | 'coalesce'

export interface MailboxOptions {
  /** How many events may wait, per key (default 10 000). The one being delivered does not count. */
  capacity?: number
  /** Default `reject`. */
  overflow?: Overflow
}

export const DEFAULT_CAPACITY = 10_000

export interface MailboxLimits {
  readonly capacity: number
  readonly overflow: Overflow
  /** With `wait`: how many may be in it and before it, whoever publishes (default: as {@link Overflow} says). */
  readonly most?: number
}

const OVERFLOWS: readonly string[] = ['wait', 'reject', 'drop-oldest', 'drop-newest', 'coalesce']

/** The limits of a mailbox, checked. */
export function mailboxLimits({
  capacity = DEFAULT_CAPACITY,
  overflow = 'reject',
  most,
}: MailboxOptions & Pick<MailboxLimits, 'most'> = {}): MailboxLimits {
  if (!Number.isInteger(capacity) || capacity < 1)
    throw invalid('capacity', `a whole number of at least 1, not ${String(capacity)}`)
  if (!OVERFLOWS.includes(overflow)) throw invalid('overflow', `one of ${OVERFLOWS.join(', ')}`)
  return { capacity, overflow, ...(most === undefined ? {} : { most }) }
}

/** What becomes of a newcomer to a full queue, and of whom it displaces. */
export type Verdict<T> =
  | { newcomer: 'queued'; displaced: T | undefined }
  | { newcomer: 'waits' }
  | { newcomer: 'rejected' }
  | { newcomer: 'dropped' }

/** Applies the policy to a queue that has no room, and takes out whom the newcomer displaces. */
export function overflowing<T extends { message: { type: string } }>(
  queue: Fifo<T>,
  newcomer: T,
  { capacity, overflow, most }: MailboxLimits,
  mayWait: boolean,
): Verdict<T> {
  if (overflow === 'drop-newest') return { newcomer: 'dropped' }
  if (overflow === 'drop-oldest') return { newcomer: 'queued', displaced: queue.shift() }
  const room = most ?? (mayWait ? 2 * capacity : 0)
  if (overflow === 'wait' && queue.length < room) return { newcomer: 'waits' }
  if (overflow !== 'coalesce') return { newcomer: 'rejected' }
  const displaced = queue.takeNewest(({ message }) => message.type === newcomer.message.type)
  return displaced ? { newcomer: 'queued', displaced } : { newcomer: 'rejected' }
}

export function mailboxFull(subscriber: string, type: string, capacity: number): BuslineError {
  return new BuslineError(
    'MAILBOX_FULL',
    `The mailbox of ${subscriber} is full: ${capacity} events wait, so it does not get this ${type}. Publish more slowly (await receipt.accepted with overflow: 'wait'), or give it another capacity or overflow policy.`,
    { data: { subscriber, type, capacity } },
  )
}

function invalid(option: string, must: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `The mailbox's ${option} must be ${must}.`, { data: { option } })
}
