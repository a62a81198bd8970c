import { join } from 'node:path'
import { defineEvent, jsonlJournal, MessageBus, readJournal } from 'busline'
import * as z from 'zod'
import { rate } from './measure.ts'
import { temporaryFolder } from './temporary.ts'

const OrderPlaced = defineEvent('shop.orderPlaced', {
  data: z.object({
    customer: z.object({ id: z.string(), name: z.string(), city: z.string() }),
    lines: z.array(z.object({ item: z.string(), count: z.number(), price: z.number() })),
    note: z.string(),
  }),
})
/** Makes a line of about 400 bytes. */
const order = {
  customer: { id: 'c-1048', name: 'Ada Lovelace', city: 'London' },
  lines: [
    { item: 'Earl Grey, 250 g', count: 2, price: 9.5 },
    { item: 'cup, bone china', count: 1, price: 14 },
  ],
  note: 'Please ring twice, the bell is quiet, and mind the cat on the stairs.',
}
const COUNT = 100_000
/** How many are published before the publisher lets the event loop go on. */
const BURST = 1000
/** How many are published before somebody asks for a flush, as an effect would; nobody waits for it alone. */
const FLUSH_EVERY = 100

/** Lines of about 400 bytes a second. */
export const journal = {
  'busline, buffered': () => recorded('buffered'),
  'busline, process': () => recorded('process'),
  'busline, disk': () => recorded('disk'),
}

async function recorded(durability: 'buffered' | 'process' | 'disk'): Promise<number> {
  const { folder, remove } = temporaryFolder()
  const path = join(folder, 'bench.jsonl')
  const file = jsonlJournal(path, { durability })
  const bus = new MessageBus({ journal: file })
  let published = 0
  const perSecond = await rate(COUNT, async (count) => {
    const flushes: Promise<void>[] = []
    for (let index = 1; index <= count; index++) {
      bus.publish(OrderPlaced, order)
      if (index % FLUSH_EVERY === 0) flushes.push(file.flush())
      if (index % BURST === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(flushes)
    published += count
  })
  await bus.stop()
  await check(path, published)
  remove()
  return perSecond
}

/** A journal that lost some would look fast. */
async function check(path: string, published: number): Promise<void> {
  let lines = 0
  for await (const { type } of readJournal(path)) if (type === OrderPlaced.type) lines++
  if (lines !== published) throw new Error(`${lines} lines of ${published}`)
}
