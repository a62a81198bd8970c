import type { Bus, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import {
  CallModel,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ModelAnswer,
  type ModelRequest,
} from '../messages/model.ts'
import { anthropicKey } from './anthropic-key.ts'
import { readAnthropicAnswer } from './anthropic-answer.ts'
import { AnthropicAssembly } from './anthropic-assembly.ts'
import { anthropicClient, anthropicEndpoint, type AnthropicClient } from './anthropic-client.ts'
import { anthropicRequest } from './anthropic-request.ts'
import type { ApiKey } from './api-key.ts'
import type { AnswerListener } from './assemble-answer.ts'
import { hideSecrets } from './hide-secrets.ts'
import { checkedTimeouts, TimeoutWatch, type Timeouts } from './timeouts.ts'
import { wireNames } from './wire-names.ts'

export interface AnthropicProviderOptions {
  /**
   * Needed unless there is a `baseURL`. A function finds the key of each call, e.g. the tenant's. Environment variables
   * are the program's to read.
   */
  apiKey?: ApiKey | undefined
  /** Default `https://api.anthropic.com`; with or without `/v1`. */
  baseURL?: string | undefined
  /** For requests that name none. */
  model?: string | undefined
  /** Whether to ask for streams (default true); either kind of answer is read. */
  stream?: boolean | undefined
  /** Tokens of an answer where the request has no `maxTokens` (default 16384): the API wants a number. */
  maxTokens?: number | undefined
  /** How long a call may take, in milliseconds; the API's pings count as pieces. */
  timeouts?: Timeouts | undefined
  /**
   * The API's version, default `2026-10-21`. `2023-06-01`, which servers of others may know alone, is also the last
   * that takes `temperature` and `topP`; later they are left out.
   */
  version?: string | undefined
  /** Sent as `anthropic-beta`. */
  betas?: readonly string[] | undefined
  /** Whether the API is to cache the prompt (default false): the system prompt with the tools, and all up to the end. */
  cache?: boolean | undefined
  /**
   * Whether the thinking of former turns goes back too (default false: that of the tool loop which is going on). Newer
   * models use it; but they refuse it when anything that stood before it has changed, system prompt and tools included.
   */
  keepThinking?: boolean | undefined
}

const MAX_TOKENS = 16_384
const VERSION = '2026-10-21'

/**
 * Handles {@link CallModel} with Anthropic's Messages API, one attempt a call. Needs `@anthropic-ai/sdk` beside Busline.
 * Rejects with a coded error that holds what the server said (`status`, `type`, `retryAfter` in ms, `requestId`), and in
 * `data.text` and `data.usage` what had arrived.
 *
 * The package brings the head of the requests and the form that schemas take; its stream reader is left out, because with
 * version 1.12 (each has a test) it takes a stream that was cut for a whole one, yields nothing and no error for a JSON body in place of a stream,
 * swallows an `error: …` line that is not `data:`, gives an error inside a stream no status, so that nobody can tell an
 * overload from a bad request by it, and repeats the key where the server does. Its client tries twice again unseen, reads
 * `ANTHROPIC_BASE_URL`, `ANTHROPIC_CUSTOM_HEADERS`, `ANTHROPIC_LOG` and credentials on disk, and traces.
 *
 * @throws BuslineError `INVALID_OPTION` for an option that can't be meant
 */
export function anthropicProvider(options: AnthropicProviderOptions = {}): Participant {
  const endpoint = anthropicEndpoint(options.baseURL)
  checkMaxTokens(options.maxTokens)
  const timeouts = checkedTimeouts(options.timeouts)
  const { model, stream = true, maxTokens = MAX_TOKENS, version = VERSION, betas = [] } = options
  const { cache = false, keepThinking = false } = options

  return (bus: Bus) => {
    if (typeof options.apiKey === 'string' && options.apiKey.trim() !== '') bus.secret(options.apiKey.trim())
    let connected: Promise<AnthropicClient> | undefined

    bus.handle(CallModel, async function anthropic(request, scope) {
      const apiKey = await anthropicKey(options, scope)
      if (apiKey !== undefined && typeof options.apiKey === 'function') bus.secret(apiKey)
      connected ??= anthropicClient(endpoint, { version, betas })
      const client = await connected.catch((error: unknown) => {
        // Whatever was missing may be there at the next call.
        connected = undefined
        throw error
      })
      const { strictSchema } = client
      const shape = { model, stream, maxTokens, version, cache, keepThinking, strictSchema }
      const body = JSON.stringify(anthropicRequest(request, shape))
      return callModel({ body, request, scope, client, apiKey, timeouts, where: endpoint.where })
    })
  }
}

async function callModel(call: {
  body: string
  request: ModelRequest
  scope: Scope
  client: AnthropicClient
  apiKey: string | undefined
  timeouts: Timeouts
  where: string
}): Promise<ModelAnswer> {
  const { body, request, scope, client, apiKey, where } = call
  const names = wireNames(request.tools.map((tool) => tool.name))
  const assembly = new AnthropicAssembly(publisher(scope), (sent) => names.fromWire(sent))
  // A signal of our own: the client leaves its listener on the one it gets, and scope.signal may live as long
  // as the bus.
  const aborter = new AbortController()
  const abort = (): void => aborter.abort()
  if (scope.signal.aborted) abort()
  scope.signal.addEventListener('abort', abort, { once: true })
  let timedOut: BuslineError | undefined
  const watch = new TimeoutWatch(call.timeouts, where, (error) => {
    timedOut = error
    abort()
  })
  try {
    const raw = await client.post(body, { apiKey, signal: aborter.signal })
    return await readAnthropicAnswer({ ...raw, body: watch.over(raw.body) }, assembly, where)
  } catch (thrown) {
    const error = scope.signal.aborted ? cancelled(scope.signal.reason) : (timedOut ?? thrown)
    if (!(error instanceof BuslineError)) throw error
    throw hideSecrets(withHeard(error, assembly), apiKey === undefined ? [] : [apiKey])
  } finally {
    watch.end()
    scope.signal.removeEventListener('abort', abort)
  }
}

function publisher(scope: Scope): AnswerListener {
  return {
    text: (text) => void scope.publish(ModelTextReceived, { text }),
    reasoning: (text) => void scope.publish(ModelReasoningReceived, { text }),
    toolCall: (call, name) => void scope.publish(ModelToolCallStarted, { call, name }),
  }
}

/** The error with what had arrived, so that nothing said is lost and what was billed is known. */
function withHeard(error: BuslineError, { text, usage }: AnthropicAssembly): BuslineError {
  if (text === '' && !usage && error.code !== 'ANSWER_CUT') return error
  const heard = text === '' && error.code !== 'ANSWER_CUT' ? {} : { text }
  return new BuslineError(error.code, error.message, {
    data: { ...error.data, ...heard, ...(usage && { usage }) },
    ...(error.cause !== undefined && { cause: error.cause }),
  })
}

function cancelled(reason: unknown): BuslineError {
  if (reason instanceof BuslineError) {
    return new BuslineError(reason.code, reason.message, { data: reason.data, cause: reason })
  }
  return new BuslineError('CANCELLED', 'The model call was cancelled.', { cause: reason })
}

function checkMaxTokens(maxTokens: number | undefined): void {
  if (maxTokens === undefined || (Number.isInteger(maxTokens) && maxTokens >= 1)) return
  throw new BuslineError(
    'INVALID_OPTION',
    `maxTokens must be a whole number of at least 1, not ${maxTokens}.`,
    {
      data: { option: 'maxTokens' },
    },
  )
}
