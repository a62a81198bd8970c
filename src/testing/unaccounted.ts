import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { DeliveryFailed } from '../messages/delivery.ts'
import type { Incarnation } from './incarnation.ts'
import { keyOf, nameOf, unended, type Ledger } from './ledger.ts'

/** What notes and reports of deliveries tell, in whichever form. */
const Told = z.looseObject({
  event: z.union([z.string(), z.object({ id: z.string() })]).optional(),
  message: z.string().optional(),
  subscriber: z.string().optional(),
})

/** Which records tell of a delivery that did not come to its subscriber. */
const TELLING = {
  dropped: ['bus.dropped'],
  skipped: ['bus.filtered', 'bus.discarded', 'bus.abandoned'],
  failed: ['bus.deadLettered', DeliveryFailed.type],
} as const

/** What of a life is looked at after its end. */
type Ended = Pick<Incarnation, 'bus' | 'ledger'>

/**
 * Where deliveries are lost: what began and never ended, what ended otherwise than the journal tells, and what a stop
 * left. One sentence each, for a bus that has stopped.
 */
export async function unaccounted(
  { bus, ledger }: Ended,
  records: readonly JournalRecord[],
): Promise<string[]> {
  if (bus.state !== 'stopped') return ['a bus was not stopped']
  if (!(await isWhollyWritten({ bus }))) return []
  // A cleanup that failed is the program's own matter; how much the stop gave up is not known then.
  const report = await bus.stop().catch(() => undefined)
  return [
    ...unended(ledger).map((one) => `${nameOf(one)} never ended`),
    ...neverBegun(ledger),
    ...untold(ledger, records),
    ...(report ? leftIn(bus.inspect(), report.abandoned.length) : []),
  ]
}

/** Whether a bus's journal has all that it tells; not if `stop` said that it could not be written to the end. */
export async function isWhollyWritten({ bus }: Pick<Ended, 'bus'>): Promise<boolean> {
  if (bus.state !== 'stopped') return true
  return bus.stop().then(
    () => true,
    (error: unknown) => !(error instanceof BuslineError && error.code === 'JOURNAL_FAILED'),
  )
}

/** A delivery that failed may begin again; one that came to its subscriber has begun each time. */
function neverBegun({ begun, ended }: Ledger): string[] {
  const left = begun.map(keyOf)
  return ended.flatMap((one) => {
    if (one.outcome !== 'delivered') return []
    const place = left.indexOf(keyOf(one))
    if (place === -1) return [`${nameOf(one)} is said to be delivered more often than it began`]
    left.splice(place, 1)
    return []
  })
}

function untold({ ended }: Ledger, records: readonly JournalRecord[]): string[] {
  const told = toldBy(records)
  return ended.flatMap((one) => {
    if (one.outcome === 'delivered' || TELLING[one.outcome].some((type) => told.has(`${type} ${keyOf(one)}`)))
      return []
    return [`${nameOf(one)} was ${one.outcome}, and the journal does not tell`]
  })
}

function toldBy(records: readonly JournalRecord[]): Set<string> {
  return new Set(
    records.flatMap(({ type, data }) => {
      const { success, data: told } = Told.safeParse(data)
      if (!success || !type.startsWith('bus.')) return []
      const event = typeof told.event === 'object' ? told.event.id : (told.event ?? told.message)
      return told.subscriber === undefined || event === undefined
        ? []
        : [`${type} ${keyOf({ event, subscriber: told.subscriber })}`]
    }),
  )
}

function leftIn(
  { running, delivering, queued }: ReturnType<Incarnation['bus']['inspect']>,
  abandoned: number,
): string[] {
  const waiting = queued.reduce((sum, queue) => sum + queue.waiting, 0)
  const left = running.length + delivering + waiting - abandoned
  return left > 0 ? [`${left} commands and deliveries neither ended nor were given up by the stop`] : []
}
