import { chatRequest } from './chat-history.ts'
import { readBody, readEvents } from './chat-chunks.ts'
import { chatLoop } from './chat-loop.ts'
import type { Talker, TalkSetup } from './talker.ts'

/** Node's own fetch and nothing else. */
export function talker(setup: TalkSetup): Talker {
  const request = chatRequest(setup)
  return chatLoop(setup, async (messages) => {
    const response = await fetch(`${setup.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, messages }),
    })
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`)
    return setup.stream ? await readEvents(response.body) : readBody(await response.text())
  })
}
