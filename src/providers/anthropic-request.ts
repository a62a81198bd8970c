import { BuslineError } from '../messages/busline-error.ts'
import type { ModelRequest } from '../messages/model.ts'
import { remembering } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'
import { droppingUnbound } from './anthropic-binding.ts'
import { anthropicHistory, type AnthropicHistory } from './anthropic-messages.ts'
import { modelTraits } from './anthropic-models.ts'
import { thinkingFields } from './anthropic-thinking.ts'
import { isRecord } from './is-record.ts'
import { wireName } from './wire-names.ts'

/** What of the provider's options shapes a request. */
export interface AnthropicRequestOptions {
  model: string | undefined
  stream: boolean
  maxTokens: number
  version: string
  cache: boolean
  keepThinking: boolean
  /** Turns a JSON Schema into the part of JSON Schema that structured outputs take; the package's. */
  strictSchema: (schema: Record<string, unknown>) => Record<string, unknown>
}

/** The last version of the API that takes `temperature` and `top_p`; the next refuses them. */
const SAMPLING_VERSION = '2023-06-01'

/**
 * The body of `POST /v1/messages` for a request. What the protocol does not have is left out: `seed`, the penalties, and
 * from version 2026-10-21 on `temperature` and `topP` (https://platform.claude.com/docs/en/api/migration-2026-10-21).
 * `max_tokens` is at most what the model can say, so that a limit fits whichever model a session has.
 *
 * @throws BuslineError `INVALID_REQUEST` when neither the request nor the provider names a model, for content and
 * schemas that the API has no form for, and for a `toolChoice` that forces a call where the model can't be forced: to ask
 * for one instead would promise what nobody keeps
 */
export function anthropicRequest(
  request: ModelRequest,
  options: AnthropicRequestOptions,
): Record<string, unknown> {
  const model = request.model ?? options.model
  if (!model) {
    throw new BuslineError(
      'INVALID_REQUEST',
      'No model is chosen. Name one in anthropicProvider({ model }), in the session, or with --model.',
    )
  }
  const { maxOutput, canBeForced, bindsThinking } = modelTraits(model)
  const forcesTool =
    request.tools.length > 0 && (request.toolChoice === 'required' || typeof request.toolChoice === 'object')
  if (forcesTool && !canBeForced) throw unforced(model)
  const { thinking, effort, budget } = thinkingFields(request.reasoningEffort, {
    model,
    maxTokens: request.maxTokens,
    forcesTool,
  })
  const asked = request.extra?.['thinking'] ?? thinking
  // Without thinking there is no way to say that what does not fit is to be left out.
  const isSilent = bindsThinking && isRecord(asked) && asked['type'] === 'disabled'
  const history = anthropicHistory(
    request.messages,
    isSilent ? 'none' : options.keepThinking ? 'all' : 'loop',
  )
  const outputConfig = {
    ...(effort !== undefined && { effort }),
    ...(request.schema && { format: formatOf(request.schema.schema, options) }),
  }
  return droppingUnbound({
    model,
    max_tokens: Math.min(request.maxTokens ?? options.maxTokens + budget, maxOutput),
    ...systemFields(history, request, options.cache),
    messages: history.messages,
    ...toolFields(history, request),
    ...(thinking && { thinking }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...(request.stop && request.stop.length > 0 && { stop_sequences: request.stop }),
    // With thinking the API wants its own temperature.
    ...(options.version === SAMPLING_VERSION && thinking?.['type'] !== 'enabled' && samplingFields(request)),
    // Marks the last block that can be cached; the next request reads up to there.
    ...(options.cache && { cache_control: { type: 'ephemeral' } }),
    ...(options.stream && { stream: true }),
    ...request.extra,
  })
}

/** With `cache`, what stands at the beginning is a part of its own, so that it stays cached whatever follows it. */
function systemFields(
  { system }: AnthropicHistory,
  { messages }: ModelRequest,
  cache: boolean,
): Record<string, unknown> {
  if (system.length === 0) return {}
  const begins = messages[0]?.role === 'system' || messages[0]?.role === 'developer'
  if (!cache || !begins) return { system }
  const [first, ...rest] = system
  return { system: [{ ...first, cache_control: { type: 'ephemeral' } }, ...rest] }
}

function samplingFields({ temperature, topP }: ModelRequest): Record<string, unknown> {
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
  }
}

function toolFields({ called }: AnthropicHistory, request: ModelRequest): Record<string, unknown> {
  const { tools, toolChoice, parallelToolCalls } = request
  if (tools.length > 0) {
    const choice = choiceOf(toolChoice, parallelToolCalls)
    return { tools: tools.map(wireTool), ...(choice && { tool_choice: choice }) }
  }
  if (called.size === 0) return {}
  // A history of calls is refused where no tool is defined. None of them may be called.
  const stubs = [...called].map((name) => ({ name, input_schema: { type: 'object' } }))
  return { tools: stubs, tool_choice: { type: 'none' } }
}

const wireTool = remembering(({ name, description, parameters }: ToolDescription) => ({
  name: wireName(name),
  ...(description !== '' && { description }),
  input_schema: { type: 'object', ...parameters },
}))

function choiceOf(
  choice: ModelRequest['toolChoice'],
  parallel: boolean | undefined,
): Record<string, unknown> | undefined {
  if (choice === 'none') return { type: 'none' }
  const single = parallel === undefined ? {} : { disable_parallel_tool_use: !parallel }
  if (choice === 'required') return { type: 'any', ...single }
  if (typeof choice === 'object') return { type: 'tool', name: wireName(choice.name), ...single }
  return choice === 'auto' || parallel !== undefined ? { type: 'auto', ...single } : undefined
}

function unforced(model: string): BuslineError {
  return new BuslineError(
    'INVALID_REQUEST',
    `${model} can not be made to call a tool: it takes toolChoice 'auto' and 'none' alone. Say in the prompt when to call it, ask for a schema, or choose another model.`,
    { data: { model } },
  )
}

function formatOf(
  schema: Record<string, unknown>,
  { strictSchema }: AnthropicRequestOptions,
): Record<string, unknown> {
  try {
    return { type: 'json_schema', schema: strictSchema(schema) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new BuslineError('INVALID_REQUEST', `The schema has no form that Anthropic's API takes: ${why}.`, {
      cause: error,
    })
  }
}
