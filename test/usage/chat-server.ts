import { createServer, type IncomingMessage } from 'node:http'
import * as z from 'zod'

const Request = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string() })),
  stream: z.boolean().optional(),
})
export type ServedRequest = z.output<typeof Request>

/** What the server answers with: words or one call, and the tokens that it says it took. */
export interface Served {
  text?: string
  call?: { name: string; arguments: object }
  input: number
  output: number
  cached?: number
  reasoning?: number
}

export interface ChatServer extends AsyncDisposable {
  readonly url: string
  readonly requests: ServedRequest[]
  readonly keys: string[]
}

/** A server of the chat-completions protocol on loopback that tells everything a server can tell, streamed or plain. */
export async function chatServer(
  answer: (request: ServedRequest, nth: number) => Served,
): Promise<ChatServer> {
  const requests: ServedRequest[] = []
  const keys: string[] = []
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => {
      const request = Request.parse(JSON.parse(body))
      const nth = requests.push(request) - 1
      keys.push(incoming.headers.authorization ?? '')
      const completion = completionOf(answer(request, nth), request.model, nth)
      response.setHeader('x-request-id', `req_${nth}`)
      if (!request.stream)
        return response.setHeader('content-type', 'application/json').end(JSON.stringify(completion))
      response.setHeader('content-type', 'text/event-stream')
      return response.end(
        chunksOf(completion)
          .map((data) => `data: ${data}\n\n`)
          .join(''),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    keys,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function completionOf({ text, call, input, output, cached, reasoning }: Served, model: string, nth: number) {
  const tool_calls = call && [
    {
      id: `call_${nth}`,
      type: 'function',
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    },
  ]
  return {
    id: `chatcmpl-${nth}`,
    object: 'chat.completion',
    created: 1_780_000_000,
    model,
    system_fingerprint: 'fp_1',
    service_tier: 'default',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text ?? null, ...(tool_calls && { tool_calls }) },
        finish_reason: call ? 'tool_calls' : 'stop',
      },
    ],
    usage: {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
      ...(reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    },
  }
}

function chunksOf({ choices, usage, ...head }: ReturnType<typeof completionOf>): string[] {
  const base = { ...head, object: 'chat.completion.chunk' }
  const [choice] = choices
  const message = choice?.message
  const delta = {
    ...message,
    ...(message?.tool_calls && { tool_calls: message.tool_calls.map((call, index) => ({ index, ...call })) }),
  }
  const finish = { index: 0, delta: {}, finish_reason: choice?.finish_reason }
  return [
    { ...base, choices: [{ index: 0, delta, finish_reason: null }] },
    { ...base, choices: [finish] },
    { ...base, choices: [], usage },
  ]
    .map((chunk) => JSON.stringify(chunk))
    .concat('[DONE]')
}
