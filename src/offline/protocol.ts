import * as z from 'zod'

/*
 * The part of the OpenAI chat-completions protocol that the offline model reads. Unknown fields are ignored, as
 * other compatible servers do.
 */

const ToolCall = z.looseObject({
  id: z.string().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
})

const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish(),
  tool_calls: z.array(ToolCall).nullish(),
  tool_call_id: z.string().nullish(),
})

/** One message of the conversation as the client sent it. */
export type ChatMessage = z.output<typeof Message>

const Tool = z.looseObject({ function: z.looseObject({ name: z.string() }).optional() })

const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ function: z.looseObject({ name: z.string() }).optional() }),
])

const Limit = z.int().positive().nullish()

/** The body of `POST /v1/chat/completions`. */
export const ChatRequest = z.looseObject({
  model: z.string().default('busline-offline'),
  messages: z.array(Message).min(1, 'must hold at least one message'),
  tools: z.array(Tool).nullish(),
  tool_choice: ToolChoice.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: Limit,
  max_completion_tokens: Limit,
})
export type ChatRequest = z.output<typeof ChatRequest>

/** What is wrong with a request: the status to answer with and the fields of the OpenAI error body. */
export interface ProtocolError {
  readonly status: number
  readonly message: string
  readonly param?: string
  readonly code?: string
}

/** The error body of the protocol: `{ error: { message, type, param, code } }`. */
export function errorBody({ status, message, param, code }: ProtocolError): object {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: param ?? null, code: code ?? null } }
}

/** Reads a request body; what does not fit comes back as a 400 that names the first wrong field. */
export function parseRequest(
  body: string,
): { readonly request: ChatRequest } | { readonly error: ProtocolError } {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    return badRequest(`The body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }

  const result = ChatRequest.safeParse(value)
  if (result.success) return { request: result.data }

  const [issue] = result.error.issues
  if (!issue) return badRequest('The body does not fit the protocol.')
  const param = z.core.toDotPath(issue.path)
  return badRequest(`${param || 'The body'}: ${issue.message}`, param || undefined)
}

function badRequest(message: string, param?: string): { readonly error: ProtocolError } {
  return { error: { status: 400, message, ...(param === undefined ? {} : { param }) } }
}
