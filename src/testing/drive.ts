import { settle } from './settle.ts'

/**
 * Lets a clock go on, timer by timer, until the work has ended, and returns what came of it. Work that waits while no timer is
 * set is given up as stuck, and so is work that still waits after 100 000 timers.
 *
 * @param options.patience how many real milliseconds work may wait for something that is not simulated (a file, a
 * server) before it counts as stuck; default 0
 * @param options.stuck makes the error that it then rejects with, told why
 */
export async function drive<T>(
  runNext: () => Promise<boolean>,
  work: Promise<T>,
  { patience = 0, stuck }: { patience?: number; stuck: (why: string) => Error },
): Promise<T> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  work.then(end, end)
  let rung = 0
  for (let quiet = 0; ;) {
    await settle()
    if (ended) return work
    if (rung === LIMIT) throw stuck(`${LIMIT} timers have run, more are set, and it still waits`)
    if (await runNext()) {
      quiet = 0
      rung++
    } else if (quiet++ < ROUNDS) continue
    else if (quiet - ROUNDS > patience) throw stuck('it waits, and no timer is set')
    else await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Work that yields by many immediates in a row has not ended when one round has. */
const ROUNDS = 5

/** Something that sets timers for ever, as a poll does, would keep work that never ends going. */
const LIMIT = 100_000
