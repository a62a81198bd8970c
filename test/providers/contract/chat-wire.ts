import type { ServerResponse } from 'node:http'
import { isRecord } from '../../../src/providers/is-record.ts'
import { beginStream, chatServer, delta, sendJson, type SeenRequest } from '../fixtures/chat-server.ts'
import { deferred } from '../fixtures/deferred.ts'
import { finishOf, usageOf, type Seen, type Step, type Wire } from './script.ts'

/** Plays a script in the OpenAI chat-completions protocol; reasoning as `reasoning_content`. */
export async function chatWire(steps: readonly Step[]): Promise<Wire> {
  const closed = deferred()
  const server = await chatServer((response, number, request) => {
    response.on('close', () => {
      if (!response.writableEnded) closed.resolve()
    })
    const step = steps[number - 1] ?? { error: { status: 500, message: 'The script has run out.' } }
    if (step.error) {
      const { status, message, retryAfter } = step.error
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
      return sendJson(response, status, { error: { message, type: 'scripted' } }, headers)
    }
    return request.body['stream'] === true ? stream(response, step) : body(response, step)
  })
  return {
    url: server.url,
    get seen() {
      return server.requests.map(seenOf)
    },
    closed: closed.promise,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const usage = (step: Step): Record<string, unknown> => {
  const { input, output, cached } = usageOf(step)
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
  }
}

function stream(response: ServerResponse, step: Step): void {
  const frame = { id: 'answer-1', model: 'scripted', surprise: { new: ['field'] } }
  beginStream(
    response,
    { ...frame, choices: [{ index: 0, delta: { role: 'assistant', novelty: 1 } }] },
    ...(step.reasoning ?? []).map((piece) => delta({ reasoning_content: piece })),
    ...(step.text ?? []).map((piece) => delta({ content: piece })),
    ...(step.toolCalls ?? []).flatMap(({ id, name, arguments: pieces }, index) => [
      delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...pieces.map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
  )
  if (step.ends === 'cut') response.end()
  if (step.ends) return
  const last = [delta({}, finishOf(step)), { ...frame, choices: [], usage: usage(step) }]
  response.end(`${last.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`)
}

function body(response: ServerResponse, step: Step): void {
  const message = {
    role: 'assistant',
    content: step.text?.join('') ?? null,
    novelty: 1,
    ...(step.reasoning && { reasoning_content: step.reasoning.join('') }),
    ...(step.toolCalls && {
      tool_calls: step.toolCalls.map(({ id, name, arguments: pieces }) => ({
        id,
        type: 'function',
        function: { name, arguments: pieces.join('') },
      })),
    }),
  }
  const whole = {
    id: 'answer-1',
    model: 'scripted',
    surprise: { new: ['field'] },
    choices: [{ index: 0, message, finish_reason: finishOf(step) }],
    usage: usage(step),
  }
  if (!step.ends) return sendJson(response, 200, whole)
  const half = JSON.stringify(whole).slice(0, 40)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 4000 })
  response.write(half, () => {
    if (step.ends === 'cut') response.socket?.destroy()
  })
}

function seenOf({ headers, body: sent }: SeenRequest): Seen {
  const messages = records(sent['messages'])
  const choice = sent['tool_choice']
  return {
    system: messages
      .filter(({ role }) => role === 'system' || role === 'developer')
      .map(({ content }) => String(content))
      .join('\n'),
    tools: records(sent['tools']).map((tool) => String(inner(tool, 'function')['name'])),
    toolChoice: isRecord(choice) ? { name: inner(choice, 'function')['name'] } : choice,
    maxTokens: sent['max_completion_tokens'] ?? sent['max_tokens'],
    stop: sent['stop'],
    calls: messages
      .flatMap((message) => records(message['tool_calls']))
      .map((call) => ({
        id: String(call['id']),
        name: String(inner(call, 'function')['name']),
        arguments: JSON.parse(String(inner(call, 'function')['arguments'])),
      })),
    results: messages
      .filter(({ role }) => role === 'tool')
      .map(({ tool_call_id: id, content }) => ({ id: String(id), text: String(content) })),
    key: headers.authorization,
    problems: problemsOf(messages, records(sent['tools'])),
  }
}

const KNOWN = /^(role|content|name|tool_calls|tool_call_id|refusal|reasoning_content)$/

function problemsOf(messages: Record<string, unknown>[], tools: Record<string, unknown>[]): string[] {
  const problems: string[] = []
  let open: string[] = []
  for (const [place, message] of messages.entries()) {
    const unknown = Object.keys(message).filter((key) => !KNOWN.test(key))
    if (unknown.length > 0) problems.push(`${place}: unknown ${unknown.join()}`)
    if (message['role'] === 'tool') {
      const id = String(message['tool_call_id'])
      if (!open.includes(id)) problems.push(`${place}: result of no open call ${id}`)
      open = open.filter((one) => one !== id)
      continue
    }
    if (open.length > 0) problems.push(`${place}: no result for ${open.join()}`)
    const calls = records(message['tool_calls'])
    open = calls.map(({ id }) => String(id))
    for (const call of calls) {
      const { name, arguments: text } = inner(call, 'function')
      if (!isName(name)) problems.push(`${place}: illegal name ${String(name)}`)
      if (!isRecord(JSON.parse(String(text)))) problems.push(`${place}: arguments are no object`)
    }
  }
  if (open.length > 0) problems.push(`no result for ${open.join()}`)
  for (const tool of tools) if (!isName(inner(tool, 'function')['name'])) problems.push('illegal tool name')
  return problems
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && /^[a-zA-Z0-9_-]{1,64}$/.test(name)
}

function inner(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const found = value[key]
  return isRecord(found) ? found : {}
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}
