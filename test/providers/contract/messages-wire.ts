import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { isRecord } from '../../../src/providers/is-record.ts'
import { chatServer, sendJson, type SeenRequest } from '../fixtures/chat-server.ts'
import { deferred } from '../fixtures/deferred.ts'
import { finishOf, usageOf, type Seen, type Step, type Wire } from './script.ts'

/** An event of the Messages API's stream, named as its data is typed. */
export function sse(...events: Record<string, unknown>[]): string {
  return events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

/** Plays a script in Anthropic's Messages protocol, by its documented events, pings and unknown ones between them. */
export async function messagesWire(steps: readonly Step[]): Promise<Wire> {
  const closed = deferred()
  const server = await chatServer((response, number, request) => {
    response.on('close', () => {
      if (!response.writableEnded) closed.resolve()
    })
    const step = steps[number - 1] ?? { error: { status: 500, message: 'The script has run out.' } }
    if (step.error) {
      const { status, message, retryAfter } = step.error
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
      const error = { type: 'error', error: { type: 'scripted', message }, request_id: 'req_1' }
      return sendJson(response, status, error, headers)
    }
    const [refused] = newestProblems(request)
    if (refused !== undefined) {
      const error = { type: 'error', error: { type: 'invalid_request_error', message: refused } }
      return sendJson(response, 400, error)
    }
    const blocks = blocksOf(step, signatureFor(request.body))
    return request.body['stream'] === true ? stream(response, step, blocks) : body(response, step, blocks)
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

const STOPS = {
  stop: 'end_turn',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  content_filter: 'refusal',
} as const

interface Planned {
  start: Record<string, unknown>
  deltas: Record<string, unknown>[]
  whole: Record<string, unknown>
}

function blocksOf(step: Step, signature: string): Planned[] {
  const blocks: Planned[] = []
  if (step.reasoning) {
    blocks.push({
      start: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        ...step.reasoning.map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature },
      ],
      whole: { type: 'thinking', thinking: step.reasoning.join(''), signature },
    })
  }
  if (step.text) {
    blocks.push({
      start: { type: 'text', text: '' },
      deltas: step.text.map((text) => ({ type: 'text_delta', text })),
      whole: { type: 'text', text: step.text.join(''), citations: null },
    })
  }
  for (const { id, name, arguments: pieces } of step.toolCalls ?? []) {
    blocks.push({
      start: { type: 'tool_use', id, name, input: {} },
      deltas: ['', ...pieces].map((partial) => ({ type: 'input_json_delta', partial_json: partial })),
      whole: { type: 'tool_use', id, name, input: JSON.parse(pieces.join('') || '{}') },
    })
  }
  return blocks
}

function stream(response: ServerResponse, step: Step, blocks: Planned[]): void {
  const { input, output, cached = 0 } = usageOf(step)
  const usage = { input_tokens: input - cached, cache_read_input_tokens: cached, output_tokens: 1 }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' })
  response.write(
    sse(
      { type: 'message_start', message: { ...frame, content: [], stop_reason: null, usage } },
      { type: 'ping' },
      { type: 'novelty', surprise: { new: ['event'] } },
      ...blocks.flatMap(({ start, deltas }, index) => [
        { type: 'content_block_start', index, content_block: start },
        ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
        { type: 'content_block_delta', index, delta: { type: 'novel_delta', novelty: 1 } },
        { type: 'content_block_stop', index },
      ]),
    ),
  )
  if (step.ends === 'cut') response.end()
  if (step.ends) return
  const delta = { stop_reason: STOPS[finishOf(step)], stop_sequence: null }
  response.end(
    sse({ type: 'message_delta', delta, usage: { output_tokens: output } }, { type: 'message_stop' }),
  )
}

const frame = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'scripted',
  surprise: { new: ['field'] },
}

function body(response: ServerResponse, step: Step, blocks: Planned[]): void {
  const { input, output, cached = 0 } = usageOf(step)
  const whole = {
    ...frame,
    content: blocks.map((block) => block.whole),
    stop_reason: STOPS[finishOf(step)],
    usage: { input_tokens: input - cached, cache_read_input_tokens: cached, output_tokens: output },
  }
  if (!step.ends) return sendJson(response, 200, whole, { 'request-id': 'req_1' })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 4000 })
  response.write(JSON.stringify(whole).slice(0, 40), () => {
    if (step.ends === 'cut') response.socket?.destroy()
  })
}

/** The models that bind thinking to what stood before it (https://platform.claude.com/docs/build-with-claude/preserved-thinking). */
const BINDING = /^claude-(?:(?:fable|mythos)-5-[12]|(?:opus|sonnet|haiku)-5-5)$/
const BETA = 'thinking-binding-controls-2026-08-01'

/** What the newest models refuse: thinking that is not theirs any more, none at all, and a call that is forced. */
function newestProblems({ headers, body: sent }: SeenRequest): string[] {
  if (!BINDING.test(String(sent['model']))) return []
  const problems: string[] = []
  const { thinking, tool_choice: choice } = sent
  const binding = isRecord(thinking) ? thinking['block_binding'] : undefined
  const knows = String(headers['anthropic-beta']).split(',').includes(BETA)
  if (isRecord(thinking) && thinking['type'] !== 'adaptive') problems.push('thinking.type is not supported')
  if (isRecord(choice) && choice['type'] !== 'auto' && choice['type'] !== 'none') {
    problems.push('tool_choice forces a tool')
  }
  if (binding !== undefined && !knows) problems.push('thinking.block_binding: Extra inputs are not permitted')
  if (isRecord(binding) && binding['prefix_mismatch_behavior'] === 'drop_block') return problems
  for (const [at, { content }] of records(sent['messages']).entries()) {
    const signatures = records(content).flatMap(({ type, signature }) =>
      type === 'thinking' ? [signature] : [],
    )
    if (signatures.some((signature) => signature !== signatureFor(sent, at))) {
      problems.push(`messages.${at}: Invalid signature. The block is bound to a different conversation`)
    }
  }
  return problems
}

/** What thinking is signed with: all that stood before it, but for thinking of turns that are over. */
function signatureFor({ model, system, tools, messages }: Record<string, unknown>, before?: number): string {
  if (!BINDING.test(String(model))) return 'sig-1'
  const said = records(messages)
    .slice(0, before)
    .map(({ role, content }) => [role, records(content).filter(({ type }) => type !== 'thinking')])
  return createHash('sha256')
    .update(JSON.stringify([system, tools, said]))
    .digest('base64')
}

function seenOf(request: SeenRequest): Seen {
  const { headers, body: sent } = request
  const blocks = records(sent['messages']).flatMap((message) => records(message['content']))
  const key = headers['x-api-key']
  return {
    system: records(sent['system'])
      .map(({ text }) => String(text))
      .join('\n'),
    tools: records(sent['tools']).map(({ name }) => String(name)),
    toolChoice: choiceOf(sent['tool_choice']),
    maxTokens: sent['max_tokens'],
    stop: sent['stop_sequences'],
    calls: blocks
      .filter(({ type }) => type === 'tool_use')
      .map(({ id, name, input }) => ({ id: String(id), name: String(name), arguments: input })),
    results: blocks
      .filter(({ type }) => type === 'tool_result')
      .map(({ tool_use_id: id, content }) => ({ id: String(id), text: String(content) })),
    key: typeof key === 'string' ? key : undefined,
    problems: [...messagesProblems(sent, headers['anthropic-version']), ...newestProblems(request)],
  }
}

function choiceOf(choice: unknown): unknown {
  if (!isRecord(choice)) return choice
  if (choice['type'] === 'tool') return { name: choice['name'] }
  return choice['type'] === 'any' ? 'required' : choice['type']
}

/** What the Messages API would refuse of a request. */
export function messagesProblems(sent: Record<string, unknown>, version: unknown): string[] {
  const problems: string[] = []
  const messages = records(sent['messages'])
  const tools = records(sent['tools'])
  const ids = new Set<unknown>()
  let asked: unknown[] = []
  if (typeof version !== 'string') problems.push('no anthropic-version')
  if (!Number.isInteger(sent['max_tokens'])) problems.push('no max_tokens')
  if (messages[0]?.['role'] !== 'user') problems.push('the user does not begin')
  for (const [place, { role, content, ...others }] of messages.entries()) {
    const blocks = records(content)
    if (Object.keys(others).length > 0) problems.push(`${place}: unknown ${Object.keys(others).join()}`)
    if (role !== 'user' && role !== 'assistant') problems.push(`${place}: role ${String(role)}`)
    if (role === messages[place - 1]?.['role']) problems.push(`${place}: not merged`)
    if (blocks.length === 0) problems.push(`${place}: empty`)
    const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => block['tool_use_id'])
    if (JSON.stringify(results) !== JSON.stringify(asked)) problems.push(`${place}: results of other calls`)
    const uses = blocks.filter(({ type }) => type === 'tool_use')
    asked = uses.map(({ id }) => id)
    blocks.forEach((block, at) => {
      const { type, text, id, name, input } = block
      if (type === 'text' && String(text).trim() === '') problems.push(`${place}.${at}: blank text`)
      if (type === 'tool_result' && at >= results.length) problems.push(`${place}.${at}: a late result`)
      if (type !== 'tool_use') return
      if (ids.has(id) || !/^[a-zA-Z0-9_-]+$/.test(String(id)))
        problems.push(`${place}.${at}: id ${String(id)}`)
      ids.add(id)
      if (!isName(name)) problems.push(`${place}.${at}: illegal name ${String(name)}`)
      if (!isRecord(input)) problems.push(`${place}.${at}: input is no object`)
    })
  }
  if (asked.length > 0) problems.push('calls without results')
  if (ids.size > 0 && tools.length === 0) problems.push('a history of calls without tools')
  for (const { name } of tools) if (!isName(name)) problems.push(`illegal tool name ${String(name)}`)
  return problems
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && /^[a-zA-Z0-9_-]{1,128}$/.test(name)
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}
