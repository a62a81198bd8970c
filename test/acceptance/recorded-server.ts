import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConversationMessage } from 'busline'
import * as z from 'zod'
import { answerOf, type Exchange } from './recorded-exchange.ts'

const Request = z.looseObject({
  messages: z.array(ConversationMessage),
  tools: z.array(z.unknown()).optional(),
})
export type SentRequest = z.output<typeof Request>

/**
 * A real server on loopback that answers with recorded exchanges, one after another, its bytes cut at places that `random`
 * (0 to 1) chooses; `requests` holds what it was sent.
 */
export async function recordedServer(
  exchanges: readonly Exchange[],
  options: { form: 'stream' | 'body'; random: () => number },
): Promise<AsyncDisposable & { url: string; requests: SentRequest[] }> {
  const requests: SentRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const exchange = exchanges[requests.length]
      requests.push(Request.parse(JSON.parse(Buffer.concat(chunks).toString())))
      if (!exchange) return response.writeHead(500).end('There is no further recording.')
      const { contentType, text } = answerOf(exchange, options.form)
      response.writeHead(exchange.status, { 'content-type': contentType })
      const rest = Buffer.from(text)
      const write = (start: number): void => {
        if (start >= rest.length) return void response.end()
        const end = start + 1 + Math.floor(options.random() * rest.length * 0.3)
        response.write(rest.subarray(start, end), () => setImmediate(write, end))
      }
      write(0)
      return undefined
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A seeded source of randomness (mulberry32, public domain), so that a failure can be run again. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
