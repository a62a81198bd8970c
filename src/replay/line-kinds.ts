import type { JournalRecord } from '../bus/journal.ts'
import { CANCEL_REQUESTED } from '../messages/message-types.ts'

const NOTES_FROM_OUTSIDE = new Set([
  'bus.scheduled',
  'bus.scheduleFired',
  'bus.scheduleEnded',
  'bus.scheduleRenamed',
  'bus.rejected',
])

/** What no other message caused: it came from outside, or from what somebody set a timer for. */
export function isInbound(record: JournalRecord): boolean {
  return isRoot(record) || (record.cause === undefined && NOTES_FROM_OUTSIDE.has(record.type))
}

/** Whether this is the first message of a chain. */
export function isRoot({ kind, cause }: JournalRecord): boolean {
  return cause === undefined && (kind === 'command' || kind === 'event')
}

/** Whether this is the moment in which a command was cancelled from outside. */
export function isCancel({ kind, type }: JournalRecord): boolean {
  return kind === 'note' && type === CANCEL_REQUESTED
}

/** Whether this is the end of a command that somebody cancelled, or whose time was up. */
export function isBrokenOff({ kind, status }: JournalRecord): boolean {
  return kind === 'result' && (status === 'cancelled' || status === 'timeout')
}

/** Whether this is the end of a command that a stop could wait for no longer. */
export function isAbandoned({ kind, error }: JournalRecord): boolean {
  return kind === 'result' && error?.code === 'ABANDONED'
}

/** What a bus writes about work that it gives up. */
export function isOfStop(record: JournalRecord): boolean {
  const isNote = record.kind === 'note' && record.type !== 'bus.scheduled' && !isCancel(record)
  return isBrokenOff(record) || isNote
}

/** The subscriber that a line tells of. */
export function subscriberIn({ data }: JournalRecord): string | undefined {
  const name = fieldOf(data, 'subscriber')
  return typeof name === 'string' ? name : undefined
}

export function fieldOf(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined
}
