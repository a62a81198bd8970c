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
import { betasOf } from './anthropic-binding.ts'
import { anthropicKey } from './anthropic-key.ts'
import { readAnthropicAnswer } from './anthropic-answer.ts'
import { AnthropicAssembly } from './anthropic-assembly.ts'
import {
  anthropicClient,
  anthropicEndpoint,
  type AnthropicClient,
  type AnthropicEndpoint,
} from './anthropic-client.ts'
import { anthropicRequest } from './anthropic-request.ts'
import { checkApiKey, type ApiKey } from './api-key.ts'
import type { AnswerListener } from './assemble-answer.ts'
import { cancelledError } from './cancelled-error.ts'
import { hideSecrets, querySecrets, secretHider } from './hide-secrets.ts'
import { checkedTimeouts, TimeoutWatch, type Timeouts } from './timeouts.ts'
import { requestNames } from './wire-names.ts'
import { withData } from './with-data.ts'

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
  /**
   * Tokens of an answer where the request has no `maxTokens` (default 16384): the API wants a number. Either is lowered to
   * what the model can say.
   */
  maxTokens?: number | undefined
  /** How long a call may take, in milliseconds; the API's pings count as pieces. */
  timeouts?: Timeouts | undefined
  /**
   * The API's version, default `2026-10-21`. `2023-06-01`, which servers of others may know alone, is also the last that
   * takes a request's `temperature` and `topP`: with any other version, the default too, both are left out without a word,
   * as the API would refuse the request. Set this one where they have to count.
   */
  version?: string | undefined
  /** Sent as `anthropic-beta`. */
  betas?: readonly string[] | undefined
  /** Whether the API is to cache the prompt (default false): the system prompt with the tools, and all up to the end. */
  cache?: boolean | undefined
  /**
   * Whether the thinking of former turns goes back too (default false: that of the tool loop which is going on). Newer
   * models use it, unless anything that stood before it has changed, system prompt and tools included: from Claude Fable 5.1
   * and Claude Opus 5.5 on the API is told to leave such thinking out (`block_binding`), where it would refuse the request.
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
  checkApiKey(options.apiKey)
  checkMaxTokens(options.maxTokens)
  checkBetas(options.betas)
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
      const body = anthropicRequest(request, shape)
      return callModel({ body, request, scope, client, apiKey, timeouts, endpoint })
    })
  }
}

async function callModel(call: {
  body: Record<string, unknown>
  request: ModelRequest
  scope: Scope
  client: AnthropicClient
  apiKey: string | undefined
  timeouts: Timeouts
  endpoint: AnthropicEndpoint
}): Promise<ModelAnswer> {
  const { body, request, scope, client, apiKey, endpoint } = call
  const { where } = endpoint
  const secrets = [...(apiKey === undefined ? [] : [apiKey]), ...querySecrets(endpoint.url)]
  const hide = secretHider(secrets)
  const names = requestNames(request)
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
    const { signal } = aborter
    const raw = await client.post(JSON.stringify(body), { apiKey, betas: betasOf(body), signal, hide })
    return await readAnthropicAnswer({ ...raw, body: watch.over(raw.body) }, assembly, where, hide)
  } catch (thrown) {
    const error = scope.signal.aborted ? cancelledError(scope.signal.reason) : (timedOut ?? thrown)
    if (!(error instanceof BuslineError)) throw error
    throw hideSecrets(withHeard(error, assembly), secrets)
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
  return withData(error, { ...heard, ...(usage && { usage }) })
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

function checkBetas(betas: unknown): void {
  const isList = Array.isArray(betas) && betas.every((beta) => typeof beta === 'string' && beta !== '')
  if (betas === undefined || isList) return
  throw new BuslineError('INVALID_OPTION', "betas must be a list of names, like ['context-1m-2025-08-07'].", {
    data: { option: 'betas' },
  })
}
