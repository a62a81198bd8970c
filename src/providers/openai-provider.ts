import type { Bus, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import {
  CallModel,
  ModelAttemptFailed,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ModelAnswer,
} from '../messages/model.ts'
import type { AnswerListener } from './assemble-answer.ts'
import { chatClient, type PostChat } from './chat-client.ts'
import { endpointOf, type Endpoint } from './endpoint.ts'
import { hideSecrets } from './hide-secrets.ts'
import { readAnswer } from './read-answer.ts'
import { wireRequest } from './wire-request.ts'
import { withAttempts } from './with-attempts.ts'

export interface OpenAIProviderOptions {
  /** Needed unless there is a `baseURL`. Environment variables are the program's to read. */
  apiKey?: string | undefined
  /** Default `https://api.openai.com/v1`. */
  baseURL?: string | undefined
  /** For requests that name none. */
  model?: string | undefined
  /** Whether to ask for streams (default true); either kind of answer is read. */
  stream?: boolean | undefined
  /** How often a call is tried, default 3. */
  maxAttempts?: number | undefined
  /** Spreads the waits between attempts, default `Math.random`. */
  random?: (() => number) | undefined
}

/**
 * Handles {@link CallModel} with any server that speaks the OpenAI chat-completions protocol. Rejects with a coded
 * error that holds what the server said, and in `data.text` what had arrived of the text.
 */
export function openaiProvider(options: OpenAIProviderOptions = {}): Participant {
  return (bus: Bus) => {
    if (options.apiKey) bus.secret(options.apiKey.trim())
    let connected: Promise<PostChat> | undefined

    bus.handle(CallModel, async function openai(request, scope) {
      const body = wireRequest(request, { model: options.model, stream: options.stream ?? true })
      const endpoint = endpointOf(options)
      if (!connected) for (const secret of endpoint.secrets) bus.secret(secret)
      connected ??= chatClient(endpoint)
      const post = await connected.catch((error: unknown) => {
        // Whatever was missing may be there at the next call.
        connected = undefined
        throw error
      })
      return callModel({ body, endpoint, post, scope, options })
    })
  }
}

async function callModel(parts: {
  body: Record<string, unknown>
  endpoint: Endpoint
  post: PostChat
  scope: Scope
  options: OpenAIProviderOptions
}): Promise<ModelAnswer> {
  const { body, endpoint, post, scope, options } = parts
  const heard = new PublishingListener(scope)
  // A signal of our own: the client leaves its listener on the one it gets, and scope.signal may live as long
  // as the bus.
  const aborter = new AbortController()
  const abort = (): void => aborter.abort()
  if (scope.signal.aborted) abort()
  scope.signal.addEventListener('abort', abort, { once: true })

  const attempt = async (): Promise<ModelAnswer> => {
    try {
      return await readAnswer(await post(body, aborter.signal), heard, endpoint.where)
    } catch (error) {
      throw error instanceof BuslineError
        ? hideSecrets(withText(error, heard.heardText), endpoint.secrets)
        : error
    }
  }
  try {
    return await withAttempts(attempt, {
      maxAttempts: options.maxAttempts ?? 3,
      random: options.random ?? Math.random,
      signal: aborter.signal,
      isUnheard: () => !heard.hasHeard,
      onFailed: ({ attempt, retryIn, error }) =>
        void scope.publish(ModelAttemptFailed, { attempt, retryIn, error: failureOf(error) }),
    })
  } catch (error) {
    throw scope.signal.aborted ? cancelled(scope.signal.reason, heard.heardText) : error
  } finally {
    scope.signal.removeEventListener('abort', abort)
  }
}

/** Publishes what arrives, and remembers the text for an error to carry. */
class PublishingListener implements AnswerListener {
  heardText = ''
  hasHeard = false
  #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  text(text: string): void {
    this.hasHeard = true
    this.heardText += text
    this.#scope.publish(ModelTextReceived, { text })
  }

  reasoning(text: string): void {
    this.hasHeard = true
    this.#scope.publish(ModelReasoningReceived, { text })
  }

  toolCall(call: string, name: string): void {
    this.hasHeard = true
    this.#scope.publish(ModelToolCallStarted, { call, name })
  }
}

/** The error with the text that had arrived, so that nothing said is lost. */
function withText(error: BuslineError, text: string): BuslineError {
  if (text === '' && error.code !== 'ANSWER_CUT') return error
  return new BuslineError(error.code, error.message, {
    data: { ...error.data, text },
    ...(error.cause !== undefined && { cause: error.cause }),
  })
}

function cancelled(reason: unknown, text: string): BuslineError {
  const known =
    reason instanceof BuslineError
      ? reason
      : new BuslineError('CANCELLED', 'The model call was cancelled.', { cause: reason })
  if (text === '') return known
  return new BuslineError(known.code, known.message, { data: { ...known.data, text }, cause: reason })
}
