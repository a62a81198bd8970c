import type { IncomingMessage } from 'node:http'

/** A server's answer whose body nobody has read yet. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  /** To be read once. Stopping early leaves the connection as it is; then call one of these two. */
  readonly body: AsyncIterable<Uint8Array>
  /** Reads what is left, so that the connection can be used again; gives it up after a second. */
  drain(): void
  /** Gives up what is left, and the connection with it. Does nothing when all has been read. */
  cancel(): void
}

const DRAIN_MS = 1000

/** What node:http received. */
export function answerOfIncoming(incoming: IncomingMessage): RawAnswer {
  const { statusCode: status = 0, headers } = incoming
  return {
    status,
    headers: { get: (name) => headers[name]?.toString() ?? null },
    body: incoming.iterator({ destroyOnReturn: false }),
    drain: () => {
      const timer = setTimeout(() => incoming.destroy(), DRAIN_MS).unref()
      // Whatever becomes of the rest is nobody's concern: the answer has been read.
      incoming.on('error', () => undefined)
      incoming.on('close', () => clearTimeout(timer))
      incoming.resume()
    },
    cancel: () => {
      incoming.on('error', () => undefined)
      incoming.destroy()
    },
  }
}

/** What a fetch received. */
export function answerOfResponse({ status, headers, body }: Response): RawAnswer {
  const cancel = (): void => void body?.cancel().catch(() => undefined)
  // Only proxies are talked to by fetch, and only one request at a time: a new connection is no loss.
  return { status, headers, body: body?.values({ preventCancel: true }) ?? nothing(), drain: cancel, cancel }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
