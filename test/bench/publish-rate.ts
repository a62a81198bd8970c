import { setImmediate } from 'node:timers/promises'
import { inBursts, oneByOne } from './burst.ts'
import { Heard } from './heard.ts'
import { fitting, rate } from './measure.ts'
import type { Publisher, PublisherSetup } from './peer.ts'

export type MakePublisher = (setup: PublisherSetup) => Publisher | Promise<Publisher>

/** One publisher with its subscribers, ready to be measured again and again. */
export interface Publishing {
  round: (count: number) => Promise<void>
  stop: () => Promise<void>
}

/** Starts a publisher; each round ends when the last delivery has arrived, and fails when one has not. */
export async function publishing(
  make: MakePublisher,
  numbers: { subscribers: number; unrelated: number },
): Promise<Publishing> {
  const heard = new Heard()
  const publisher = await make({ ...numbers, heard: heard.one })
  const publish = publisher.awaited === true ? oneByOne : inBursts
  return {
    round: async (count) => {
      await publish(count, () => publisher.publish())
      await setImmediate()
      heard.all(count * numbers.subscribers)
    },
    stop: async () => publisher.stop?.(),
  }
}

/** Events per second. */
export async function publishRate(make: MakePublisher, subscribers: number): Promise<number> {
  const { round, stop } = await publishing(make, { subscribers, unrelated: 0 })
  const perSecond = await rate(await fitting(round), round)
  await stop()
  return perSecond
}
