import { once } from 'node:events'
import { Agent, IncomingMessage, request as requestHttp } from 'node:http'
import { text } from 'node:stream/consumers'
import { chatRequest } from './chat-history.ts'
import { readBody, readEvents } from './chat-chunks.ts'
import { chatLoop } from './chat-loop.ts'
import type { Talker, TalkSetup } from './talker.ts'

/** node:http with connections kept open: the least that a client in Node can take. */
export function talker(setup: TalkSetup): Talker {
  const request = chatRequest(setup)
  const agent = new Agent({ keepAlive: true })
  const url = new URL(`${setup.url}/chat/completions`)
  const loop = chatLoop(setup, async (messages) => {
    const body = JSON.stringify({ ...request, messages })
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = requestHttp(url, { method: 'POST', agent, headers }).end(body)
    const [response]: unknown[] = await once(sent, 'response')
    if (!(response instanceof IncomingMessage) || response.statusCode !== 200) throw new Error('no answer')
    return setup.stream ? await readEvents(response) : readBody(await text(response))
  })
  return { ...loop, stop: () => agent.destroy() }
}
