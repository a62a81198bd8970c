import { BuslineError } from '../messages/busline-error.ts'
import type { ModelRequest } from '../messages/model.ts'
import { wireMessage } from './wire-message.ts'

/**
 * The body of `POST /chat/completions` for a request.
 *
 * @throws BuslineError `INVALID_REQUEST` when neither the request nor the provider names a model
 */
export function wireRequest(
  request: ModelRequest,
  options: { model?: string | undefined; stream: boolean },
): Record<string, unknown> {
  const { messages, tools, toolChoice, temperature, maxTokens } = request
  const model = request.model ?? options.model
  if (!model) {
    throw new BuslineError(
      'INVALID_REQUEST',
      'No model is chosen. Name one in openaiProvider({ model }), in the session, or with --model.',
    )
  }

  const offered = new Set(tools.map((tool) => tool.name))
  // Reasoning belongs to the tool loop that is going on; servers refuse or ignore that of former turns.
  const loopStart = messages.findLastIndex((message) => message.role === 'user')
  return {
    model,
    messages: messages.map((message, position) => wireMessage(message, position > loopStart, offered)),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, parameters }) => ({
        type: 'function',
        function: { name, description, parameters },
      })),
      // Refused by OpenAI where there are no tools to choose from.
      ...(toolChoice !== undefined && { tool_choice: wireChoice(toolChoice) }),
    }),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(options.stream && { stream: true, stream_options: { include_usage: true } }),
  }
}

function wireChoice(choice: NonNullable<ModelRequest['toolChoice']>): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } }
}
