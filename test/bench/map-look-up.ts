import type { Executor, SaleHandler } from './peer.ts'
import { sale } from './peer.ts'

/** The least that a command bus does: look up, make an envelope, try, answer with the result or a failure. */
export function mapLookUp(handler: SaleHandler): Executor {
  const handlers = new Map([['shop.sell', handler]])
  let ids = 0
  const execute = async (type: string, input: typeof sale): Promise<unknown> => {
    const found = handlers.get(type)
    if (found === undefined) throw new Error(`No handler for ${type}.`)
    const envelope = { id: `m-${ids++}`, kind: 'command', type, time: performance.now(), input }
    try {
      return await found(envelope.input)
    } catch (cause) {
      throw new Error(`${envelope.type} (${envelope.id}) failed.`, { cause })
    }
  }
  return { execute: () => execute('shop.sell', sale) }
}
