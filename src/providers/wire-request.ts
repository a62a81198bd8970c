import { BuslineError } from '../messages/busline-error.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import type { ModelRequest } from '../messages/model.ts'
import { remembering } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'
import type { Profile } from './profile.ts'
import { keepsReasoning, wireHistory } from './wire-history.ts'
import { wireMessage } from './wire-message.ts'
import { wireName } from './wire-names.ts'
import { wireOutput } from './wire-output.ts'

/** Writes the JSON of `POST /chat/completions` for a request, as the bytes that are sent. */
export type RequestWriter = (
  request: ModelRequest,
  options: { model?: string | undefined; stream: boolean },
) => Uint8Array

/**
 * A writer of requests for the profile's server. The bytes of settled messages and tools are remembered and the body joined
 * from them, which takes a third of the time that making JSON and bytes of a long history again would with each call.
 *
 * @throws BuslineError (the writer) `INVALID_REQUEST` when neither the request nor the provider names a model, or `extra`
 * has messages
 */
export function requestWriter(profile: Profile): RequestWriter {
  const spoken = remembering((message: ConversationMessage) => bytesOf(wireMessage(message, profile, false)))
  const thought = remembering((message: ConversationMessage) => bytesOf(wireMessage(message, profile, true)))
  const offered = remembering((tool: ToolDescription) => bytesOf(wireTool(tool, profile)))

  return function write(request, { model, stream }) {
    const { tools, schema, extra = {} } = request
    const { messages: given, tools: more, ...others } = extra
    if (given !== undefined) throw noMessages()
    const output = schema && wireOutput(schema, profile, tools.length > 0)
    const messages = wireHistory(request.messages, profile, output?.instruction)
    const keeps = keepsReasoning(messages, profile.reasoning.echo)

    const fields = fieldsOf({ ...request, model: request.model ?? model ?? null }, profile, {
      stream,
      format: output?.format,
    })
    for (const field of profile.refuses) delete fields[field]
    const head = JSON.stringify({ ...fields, ...others }).slice(0, -1)
    const parts: Uint8Array[] = [Buffer.from(`${head},"messages":[`)]
    messages.forEach((message, place) => parts.push(keeps(place) ? thought(message) : spoken(message)))
    dropComma(parts, messages.length)
    const toolParts = [...tools.map(offered), ...(Array.isArray(more) ? more.map(bytesOf) : [])]
    if (toolParts.length > 0) parts.push(TOOLS, ...toolParts)
    dropComma(parts, toolParts.length)
    parts.push(END)
    return Buffer.concat(parts)
  }
}

const TOOLS = Buffer.from('],"tools":[')
const END = Buffer.from(']}')

/** The part's JSON and a comma: half as many pieces to join. */
function bytesOf(part: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(part)},`)
}

/** Takes the comma off the last of so many parts. */
function dropComma(parts: Uint8Array[], count: number): void {
  const last = count > 0 ? parts.pop() : undefined
  if (last) parts.push(last.subarray(0, -1))
}

function fieldsOf(
  request: ModelRequest,
  profile: Profile,
  { stream, format }: { stream: boolean; format: unknown },
): Record<string, unknown> {
  const { model, tools, toolChoice, maxTokens, seed } = request
  if (!model) {
    throw new BuslineError(
      'INVALID_REQUEST',
      'No model is chosen. Name one in openaiProvider({ model }), in the session, or with --model.',
    )
  }
  const limit = profile.olderModels?.test(model) ? 'max_tokens' : profile.maxTokens
  return {
    model,
    ...(maxTokens !== undefined && { [limit]: maxTokens }),
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.topP !== undefined && { top_p: request.topP }),
    ...(seed !== undefined && { [profile.seed]: seed }),
    ...(request.stop !== undefined && { stop: request.stop }),
    ...(request.presencePenalty !== undefined && { presence_penalty: request.presencePenalty }),
    ...(request.frequencyPenalty !== undefined && { frequency_penalty: request.frequencyPenalty }),
    ...(request.reasoningEffort !== undefined && { reasoning_effort: request.reasoningEffort }),
    ...(format !== undefined && { response_format: format }),
    // Both are refused by OpenAI where there are no tools to choose from.
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: wireChoice(toolChoice, profile) }),
    ...(tools.length > 0 &&
      request.parallelToolCalls !== undefined && { parallel_tool_calls: request.parallelToolCalls }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  }
}

function wireTool({ name, description, parameters }: ToolDescription, { names }: Profile): unknown {
  return { type: 'function', function: { name: wireName(name, names), description, parameters } }
}

function wireChoice(choice: NonNullable<ModelRequest['toolChoice']>, { names }: Profile): unknown {
  if (typeof choice === 'string') return choice
  return { type: 'function', function: { name: wireName(choice.name, names) } }
}

function noMessages(): BuslineError {
  return new BuslineError(
    'INVALID_REQUEST',
    'extra.messages would replace the conversation. Put messages into the request itself.',
    { data: { field: 'extra.messages' } },
  )
}
