import type { Bus, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import {
  CallModel,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ModelAnswer,
} from '../messages/model.ts'
import { checkApiKey, credentialFinder, type ApiKey } from './api-key.ts'
import type { AnswerListener } from './assemble-answer.ts'
import { cancelledError } from './cancelled-error.ts'
import { chatClient, type PostChat } from './chat-client.ts'
import { profileFor, type ProfileChoice } from './choose-profile.ts'
import { endpointOf, type Credentials, type Endpoint } from './endpoint.ts'
import { hideSecrets, secretHider } from './hide-secrets.ts'
import type { Profile } from './profile.ts'
import { readAnswer } from './read-answer.ts'
import { checkedTimeouts, TimeoutWatch, type Timeouts } from './timeouts.ts'
import { requestNames, type WireNames } from './wire-names.ts'
import { requestWriter } from './wire-request.ts'
import { withData } from './with-data.ts'

export interface OpenAIProviderOptions {
  /**
   * Needed unless there is a `baseURL`. A function finds the key of each call, e.g. the tenant's; each key that it finds
   * stays registered as a secret, which is meant for tenants in the hundreds. Environment variables are the program's to
   * read.
   */
  apiKey?: ApiKey | undefined
  /** Default: the profile's, which is `https://api.openai.com/v1`. */
  baseURL?: string | undefined
  /** For requests that name none. */
  model?: string | undefined
  /** Whether to ask for streams (default true); either kind of answer is read. */
  stream?: boolean | undefined
  /** What the server wants: a name (`ollama`), or what differs from what its base URL says (default: by the base URL). */
  profile?: ProfileChoice | undefined
  /** How long a call may take, in milliseconds. */
  timeouts?: Timeouts | undefined
}

/**
 * Handles {@link CallModel} with any server that speaks the OpenAI chat-completions protocol, one attempt a call: other
 * attempts are the engine's, or those of `retry({ when: isTransient })`. Rejects with a coded error that holds what the server
 * said (`status`, `type`, `code`, `message`, `retryAfter` in ms), and in `data.text` what had arrived of the text. Tool names
 * that the server does not take are sent in another form, and come back as they were.
 *
 * @throws BuslineError `INVALID_OPTION` for a profile, a timeout or a key that is none
 */
export function openaiProvider(options: OpenAIProviderOptions = {}): Participant {
  const profile = profileFor(options.baseURL, options.profile)
  const timeouts = checkedTimeouts(options.timeouts)
  checkApiKey(options.apiKey)
  const { apiKey, model, stream = true } = options

  return (bus: Bus) => {
    if (typeof apiKey === 'string' && apiKey.trim() !== '') bus.secret(apiKey.trim())
    const findCredentials = credentialFinder(apiKey, (secret) => bus.secret(secret))
    const write = requestWriter(profile)
    let endpoint: Endpoint | undefined
    let connected: Promise<PostChat> | undefined

    bus.handle(CallModel, async function openai(request, scope) {
      const body = write(request, { model, stream })
      const names = requestNames(request, profile.names)
      endpoint ??= endpointOf(options.baseURL, profile)
      const credentials = await findCredentials({ scope, endpoint, profile })
      connected ??= chatClient(endpoint)
      const post = await connected.catch((error: unknown) => {
        // Whatever was missing may be there at the next call.
        connected = undefined
        throw error
      })
      return callModel({ body, endpoint, credentials, post, scope, timeouts, names, profile })
    })
  }
}

async function callModel(call: {
  body: Uint8Array
  endpoint: Endpoint
  credentials: Credentials
  post: PostChat
  scope: Scope
  timeouts: Timeouts
  names: WireNames
  profile: Profile
}): Promise<ModelAnswer> {
  const { scope, credentials, names } = call
  const { where } = call.endpoint
  const heard = new PublishingListener(scope, names)
  if (scope.signal.aborted) throw cancelledError(scope.signal.reason)
  let end = (): void => undefined
  const abort = (): void => end()
  scope.signal.addEventListener('abort', abort, { once: true })
  let late: BuslineError | undefined
  const watch = new TimeoutWatch(call.timeouts, where, (error) => {
    late = error
    end()
  })

  try {
    const onSent = (ending: () => void): void => {
      end = ending
    }
    const raw = await call.post(call.body, { credentials, onSent })
    const body = watch.over(raw.body)
    const { thinkTags } = call.profile
    const hide = secretHider(credentials.secrets)
    const answer = await readAnswer({ ...raw, body }, heard, where, { thinkTags, hide })
    return { ...withNames(answer, names), provider: call.profile.name }
  } catch (thrown) {
    const told = toldBefore(thrown, heard.heardText)
    if (scope.signal.aborted) throw cancelledError(scope.signal.reason, told)
    const error = hasStatus(thrown) ? thrown : (late ?? thrown)
    throw error instanceof BuslineError ? hideSecrets(withData(error, told), credentials.secrets) : error
  } finally {
    watch.end()
    scope.signal.removeEventListener('abort', abort)
  }
}

/** Publishes what arrives, and remembers the text for an error to carry. */
class PublishingListener implements AnswerListener {
  heardText = ''
  #scope: Scope
  #names: WireNames

  constructor(scope: Scope, names: WireNames) {
    this.#scope = scope
    this.#names = names
  }

  text(text: string): void {
    this.heardText += text
    this.#scope.publish(ModelTextReceived, { text })
  }

  reasoning(text: string): void {
    this.#scope.publish(ModelReasoningReceived, { text })
  }

  toolCall(call: string, name: string): void {
    this.#scope.publish(ModelToolCallStarted, { call, name: this.#names.fromWire(name) })
  }
}

/** The answer with the tools' own names. */
function withNames(answer: ModelAnswer, names: WireNames): ModelAnswer {
  const calls = answer.message.tool_calls
  if (!calls) return answer
  const tool_calls = calls.map((call) => ({
    ...call,
    function: { ...call.function, name: names.fromWire(call.function.name) },
  }))
  return { ...answer, message: { ...answer.message, tool_calls } }
}

/** What had come when an answer ended early: its text, so that nothing said is lost, and its usage, to be billed. */
function toldBefore(thrown: unknown, text: string): Record<string, unknown> {
  const error = thrown instanceof BuslineError ? thrown : undefined
  const usage = error?.data['usage']
  return {
    ...((text !== '' || error?.code === 'ANSWER_CUT') && { text }),
    ...(usage !== undefined && { usage }),
  }
}

/** Whether a server said itself what went wrong, which tells more than that the time ran out while it did. */
function hasStatus(thrown: unknown): boolean {
  return thrown instanceof BuslineError && typeof thrown.data['status'] === 'number'
}
