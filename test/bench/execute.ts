import { setImmediate } from 'node:timers/promises'
import { executor } from './busline.ts'
import { BURST } from './burst.ts'
import { Heard } from './heard.ts'
import { mapLookUp } from './map-look-up.ts'
import { fitting, rate } from './measure.ts'
import { loadPeer, type Executor, type SaleHandler } from './peer.ts'
import { single, type Table } from './table.ts'

type MakeExecutor = (handler: SaleHandler) => Executor | Promise<Executor>

const peer =
  (name: string): MakeExecutor =>
  async (handler) =>
    (await loadPeer(name)).executor(handler)

const EXECUTORS: Readonly<Record<string, MakeExecutor>> = {
  '@nestjs/cqrs CommandBus': peer('nestjs-cqrs'),
  'moleculer call': peer('moleculer'),
  'emmett send (no result)': peer('emmett'),
  'map look-up, envelope, try and result': mapLookUp,
  busline: (handler) => executor(handler, 'unrecorded'),
  'busline, recorded': (handler) => executor(handler, 'recorded'),
}

/** Commands per second, each awaited before the next. */
export const tables: readonly Table[] = ['sync', 'async'].map((kind) => ({
  head: `execute, ${kind} handler, awaited`,
  columns: ['commands/s'],
  cases: single(
    Object.fromEntries(
      Object.entries(EXECUTORS).map(([name, make]) => [name, () => executeRate(make, kind === 'async')]),
    ),
  ),
}))

async function executeRate(make: MakeExecutor, isAsync: boolean): Promise<number> {
  const handled = new Heard()
  const answered = new Heard()
  const sell: SaleHandler = ({ price }) => {
    handled.one()
    return { total: price }
  }
  const executor = await make(isAsync ? async (input) => sell(input) : sell)
  // The loop stands here, not in burst.ts: a function around each call would be a promise more for everybody.
  const round = async (count: number): Promise<void> => {
    for (let index = 1; index <= count; index++) {
      if (isTotal(await executor.execute())) answered.one()
      if (index % BURST === 0) await setImmediate()
    }
    handled.all(count)
    answered.all(executor.answers === false ? 0 : count)
  }
  const perSecond = await rate(await fitting(round), round)
  await executor.stop?.()
  return perSecond
}

function isTotal(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'total' in result && result.total === 4.5
}
