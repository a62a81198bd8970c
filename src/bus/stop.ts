import { BuslineError } from '../messages/busline-error.ts'
import { LONGEST_TIMER } from './cancellation.ts'
import type { Dispatch } from './dispatch.ts'

/** What a stop came to: what still ended, what had to be given up, and whether the deadline passed. */
export interface StopReport {
  /** Commands and deliveries that ended while stopping. */
  completed: number
  abandoned: { id: string; type: string }[]
  timedOut: boolean
}

/** After the deadline, how long work that was cancelled may clean up. */
const SETTLE_MS = 1000

/** Draining, then cancelling what is late, then the participants' cleanups, then the last flush. */
export async function stopBus(parts: {
  dispatch: Dispatch
  deadline: number
  detach: () => Promise<void>
}): Promise<StopReport> {
  const { dispatch, deadline, detach } = parts
  const before = dispatch.endedRuns + dispatch.mailroom.delivered
  dispatch.state = 'draining'

  const drained = await idleWithin(dispatch, deadline)
  if (!drained) {
    dispatch.root.cancel(
      new BuslineError('CANCELLED', `The bus was stopped and did not drain within ${deadline} ms.`),
    )
    await idleWithin(dispatch, SETTLE_MS)
  }
  const completed = dispatch.endedRuns + dispatch.mailroom.delivered - before
  const abandoned = abandonRuns(dispatch)
  if (dispatch.mailroom.pending > 0)
    dispatch.recorder.note('abandoned', { deliveries: dispatch.mailroom.pending })

  dispatch.batches.flushAll()
  try {
    await detach()
  } finally {
    dispatch.state = 'stopped'
    dispatch.mailroom.close()
    await dispatch.recorder.close()
  }
  return { completed, abandoned, timedOut: !drained }
}

function idleWithin(dispatch: Dispatch, ms: number): Promise<boolean> {
  if (dispatch.idle) return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), Math.min(ms, LONGEST_TIMER))
    dispatch.onIdle = () => {
      clearTimeout(timer)
      resolve(true)
    }
  })
}

/** Ends what is still running, last started first, so that a child's record precedes its parent's. */
function abandonRuns(dispatch: Dispatch): { id: string; type: string }[] {
  const late = [...dispatch.runs].toReversed()
  for (const run of late) {
    run.giveUp?.(new BuslineError('ABANDONED', `${run.message.type} had not ended when the bus stopped.`))
  }
  return late.map(({ message: { id, type } }) => ({ id, type }))
}
