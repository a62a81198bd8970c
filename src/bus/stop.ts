import { BuslineError } from '../messages/busline-error.ts'
import { GRACE_MS } from './cancellation.ts'
import { continuations } from './continuations.ts'
import type { Dispatch } from './dispatch.ts'
import { timeLimit } from './time-limit.ts'

/** What a stop came to: what still ended, what had to be given up, and whether the deadline passed. */
export interface StopReport {
  /** Commands and deliveries that ended while stopping. */
  completed: number
  /** Commands, and events with a delivery that had not ended (once for each such delivery). */
  abandoned: { id: string; type: string }[]
  timedOut: boolean
}

/** Goes through the states of a stop; see {@link BusState}. */
export async function stopBus(parts: {
  dispatch: Dispatch
  deadline: number
  /** Has all participants clean up; does not wait any longer once `timeUp` rejects. */
  detach: (timeUp: Promise<never>) => Promise<void>
}): Promise<StopReport> {
  const { dispatch, deadline, detach } = parts
  const { core, mailroom, commands } = dispatch
  const ended = (): number => commands.ended + mailroom.ended
  const before = ended()
  core.state = 'draining'
  dispatch.scheduler.close()

  const drained = await idleWithin(dispatch, deadline)
  if (!drained) {
    core.state = 'cancelling'
    dispatch.listening.close()
    core.root.cancel(
      new BuslineError('CANCELLED', `The bus was stopped and did not drain within ${deadline} ms.`),
    )
    await idleWithin(dispatch, GRACE_MS)
  }
  core.state = 'flushing'
  dispatch.listening.close()
  const completed = ended() - before
  const abandoned = [...abandonDeliveries(dispatch), ...abandonRuns(dispatch)]
  // While participants leave: what was reported as abandoned must not begin after all.
  mailroom.close()

  core.batches.flushAll()
  const failures: unknown[] = []
  const keep = (error: unknown): void => void failures.push(error)
  // Neither can be cancelled, and a stop that never ends would keep the process from ending.
  const leave = Math.max(deadline, GRACE_MS)
  const cleanup = timeLimit(dispatch.environment, leave, 'The cleanup of a participant')
  await detach(cleanup.passed).catch(keep)
  cleanup.end()
  core.state = 'stopped'
  const closing = timeLimit(dispatch.environment, leave, 'The closing of the journal')
  await Promise.race([core.recorder.close(), closing.passed]).catch(keep)
  closing.end()
  if (failures.length > 1) throw new AggregateError(failures, 'A cleanup failed, and so did the journal.')
  if (failures.length === 1) throw failures[0]
  return { completed, abandoned, timedOut: !drained }
}

/**
 * Waits until nothing is queued or running, and whoever waited for the last that ended has caused nothing more; accepts
 * nothing from that moment on.
 */
async function idleWithin(dispatch: Dispatch, ms: number): Promise<boolean> {
  const limit = { passed: false }
  let look = (): void => undefined
  const off = dispatch.environment.after(ms, () => {
    limit.passed = true
    look()
  })
  dispatch.onChange = () => {
    if (dispatch.idle) look()
  }
  while (!dispatch.idle && !limit.passed) {
    await new Promise<void>((resolve) => {
      look = resolve
    })
    await continuations()
  }
  off()
  const { idle } = dispatch
  if (idle) dispatch.core.state = 'flushing'
  return idle
}

/** Names what was accepted and will not have been delivered. */
function abandonDeliveries({ mailroom, core }: Dispatch): { id: string; type: string }[] {
  return mailroom.unfinished.map(({ subscriber, message }) => {
    core.recorder.note('abandoned', { event: message.id, subscriber: subscriber.name }, message)
    return { id: message.id, type: message.type }
  })
}

/** Ends what is still running, last started first, so that a child's record precedes its parent's. */
function abandonRuns({ commands }: Dispatch): { id: string; type: string }[] {
  const late = [...commands.runs].toReversed()
  for (const run of late) {
    const why = `${run.message.type} had not ended when the bus stopped.`
    commands.giveUp(run, new BuslineError('ABANDONED', why))
  }
  return late.map(({ message: { id, type } }) => ({ id, type }))
}
