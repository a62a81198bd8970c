import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Completion, WireToolCall } from './completion.ts'

/** How a completion is streamed. `delayMs` waits before each piece; `includeUsage` adds the usage chunk. */
export interface StreamOptions {
  readonly includeUsage: boolean
  readonly delayMs: number
}

/**
 * Streams a completion as server-sent events, each piece in a write of its own. Ends early, without an error, when
 * the client goes away.
 */
export async function streamAnswer(
  response: ServerResponse,
  completion: Completion,
  { includeUsage, delayMs }: StreamOptions,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })

  try {
    for (const chunk of chunksOf(completion, includeUsage)) {
      const hasRoom = response.write(`data: ${JSON.stringify(chunk)}\n\n`)
      if (!hasRoom) await once(response, 'drain', { signal: gone.signal })
      // the turn of the event loop is what separates the writes: node joins those of one tick
      if (delayMs > 0) await setTimeout(delayMs, undefined, { signal: gone.signal })
      else await setImmediate(undefined, { signal: gone.signal })
    }
    response.end('data: [DONE]\n\n')
  } catch (error) {
    if (!gone.signal.aborted) throw error
  }
}

function* chunksOf(completion: Completion, includeUsage: boolean): Generator<object> {
  const { id, created, model, text, toolCalls, finishReason, usage } = completion
  const head = { id, object: 'chat.completion.chunk', created, model }
  const tail = includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...tail,
  })

  yield chunk({ role: 'assistant', content: text === null ? null : '' })
  for (const content of wordsOf(text ?? '')) yield chunk({ content })
  for (const [index, call] of toolCalls.entries())
    for (const part of partsOf(call, index)) yield chunk({ tool_calls: [part] })
  yield chunk({}, finishReason)
  if (includeUsage) yield { ...head, choices: [], usage }
}

/** Words with the space before them; a word without end is cut. */
function wordsOf(text: string): string[] {
  return text.match(/\s{0,40}\S{1,40}|\s{1,40}/gu) ?? []
}

function* partsOf({ id, name, arguments: args }: WireToolCall, index: number): Generator<object> {
  yield { index, id, type: 'function', function: { name, arguments: '' } }
  const characters = Array.from(args)
  const size = Math.max(1, Math.min(16, Math.ceil(characters.length / 3)))
  for (let at = 0; at < characters.length; at += size)
    yield { index, function: { arguments: characters.slice(at, at + size).join('') } }
}
