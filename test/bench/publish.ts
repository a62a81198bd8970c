import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineEvent, jsonlJournal, MessageBus } from 'busline'
import Emittery from 'emittery'
import { EventEmitter } from 'eventemitter3'
import * as z from 'zod'
import { rate } from './measure.ts'

const Sold = defineEvent('shop.sold', { data: z.object({ item: z.string(), price: z.number() }) })
const data = { item: 'tea', price: 4.5 }
const COUNT = 100_000
/** How many are published before the publisher yields. */
const BURST = 1000

/** Events per second to `subscribers` synchronous subscribers. */
export const publish = {
  eventemitter3: (subscribers: number) => {
    const emitter = new EventEmitter()
    const heard = new Heard(subscribers)
    for (let index = 0; index < subscribers; index++) emitter.on('sold', heard.one)
    return rate(COUNT, async (count) => {
      for (let index = 0; index < count; index++) emitter.emit('sold', data)
      await heard.all(count)
    })
  },
  emittery: (subscribers: number) => {
    const emitter = new Emittery<{ sold: typeof data }>()
    const heard = new Heard(subscribers)
    // A listener of its own for each: emittery takes one only once.
    for (let index = 0; index < subscribers; index++) emitter.on('sold', () => heard.one())
    return rate(COUNT / 10, async (count) => {
      for (let index = 0; index < count; index++) await emitter.emit('sold', data)
      await heard.all(count)
    })
  },
  busline: (subscribers: number) => busline(subscribers, new MessageBus()),
  'busline, recorded': async (subscribers: number) => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-bench-'))
    const perSecond = await busline(
      subscribers,
      new MessageBus({ journal: jsonlJournal(join(folder, 'bench.jsonl')) }),
    )
    rmSync(folder, { recursive: true })
    return perSecond
  },
}

async function busline(subscribers: number, bus: MessageBus): Promise<number> {
  const heard = new Heard(subscribers)
  for (let index = 0; index < subscribers; index++) bus.on(Sold, heard.one)
  const perSecond = await rate(COUNT, async (count) => {
    for (let index = 0; index < count; index++) {
      bus.publish(Sold, data)
      if (index % BURST === BURST - 1) await Promise.resolve()
    }
    await heard.all(count)
  })
  await bus.stop()
  return perSecond
}

/** Counts deliveries, so that a case which loses some fails instead of looking fast. */
class Heard {
  #count = 0
  #subscribers: number

  constructor(subscribers: number) {
    this.#subscribers = subscribers
  }

  one = (): void => {
    this.#count++
  }

  async all(count: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#count !== count * this.#subscribers)
      throw new Error(`${this.#count} deliveries of ${count * this.#subscribers}`)
    this.#count = 0
  }
}
