import type { Participant } from './bus/bus.ts'
import type { Journal } from './bus/journal.ts'
import { MessageBus } from './bus/message-bus.ts'
import type { StopReport } from './bus/stop.ts'
import { openChat, type Chat } from './chat.ts'
import { contextManager, type ContextManagerOptions } from './context/context-manager.ts'
import type { ToolChatEngineOptions } from './engine/engine-settings.ts'
import { toolChatEngine } from './engine/tool-chat-engine.ts'
import { jsonlJournal, type Durability } from './journal/jsonl-journal.ts'
import { BuslineError } from './messages/busline-error.ts'
import { CallModel, ModelAnswer } from './messages/model.ts'
import { offlineServer } from './offline/open-offline-server.ts'
import { openaiProvider, type OpenAIProviderOptions } from './providers/openai-provider.ts'
import { jsonFileSessions } from './sessions/json-file-sessions.ts'
import { memorySessions } from './sessions/memory-sessions.ts'
import { structuredOutput } from './structured/structured-output.ts'
import type { Tool } from './tools/define-tool.ts'
import type { ToolManagerOptions } from './tools/tool-manager-options.ts'
import { toolManager } from './tools/tool-manager.ts'
import { usageMeter, type UsageMeterOptions } from './usage/usage-meter.ts'

/** What createApp takes: the engine's options, and what the rest is made of. */
export interface AppOptions extends ToolChatEngineOptions {
  /** Default `gpt-4o-mini`. A session that has a model of its own keeps it. */
  model?: string | undefined
  /** A key, or a function of the scope that gives one for each call (default: the environment's `OPENAI_API_KEY`). */
  apiKey?: OpenAIProviderOptions['apiKey']
  /** Any OpenAI-compatible server (default: the environment's `OPENAI_BASE_URL`, then OpenAI's). */
  baseURL?: string | undefined
  /** Ask for streams (default true). */
  stream?: boolean | undefined
  /** What the server wants, where its base URL does not tell. */
  profile?: OpenAIProviderOptions['profile']
  /** How long a model call may take, in milliseconds. */
  timeouts?: OpenAIProviderOptions['timeouts']
  /** The built-in offline model, whatever the environment (default: only when there is neither a key nor a base URL). */
  offline?: boolean | undefined
  /** Handles `model.call` in place of all of the above, e.g. `scriptedProvider([...])`. */
  provider?: Participant | undefined
  tools?: readonly Tool[] | undefined
  /** How tools are offered and run. */
  toolOptions?: ToolManagerOptions | undefined
  context?: ContextManagerOptions | undefined
  /** Prices and budgets; see `usageMeter`. */
  usage?: UsageMeterOptions | undefined
  /** A folder of session files, or a participant that handles the `session.*` commands (default: in memory). */
  sessions?: string | Participant | undefined
  /** A journal file, or a journal (default: nothing is recorded). */
  journal?: string | Journal | undefined
  /** What a journal file promises (default `process`). */
  durability?: Durability | undefined
  /** Epoch milliseconds, for tests (default `Date.now`). */
  now?: (() => number) | undefined
  /** Random ids, for tests. */
  newId?: (() => string) | undefined
}

export interface App extends AsyncDisposable {
  readonly bus: MessageBus
  /** Opens a chat on a session; a new one without an id. */
  chat(session?: string): Chat
  /** Ends what runs, folds the sessions, closes the journal. See {@link MessageBus.stop}. */
  stop(options?: { deadline?: number }): Promise<StopReport>
}

/** What a program asks for when nobody chose a model. */
const DEFAULT_MODEL = 'gpt-4o-mini'

/**
 * Puts bus, engine, tools, context, store and provider together: the one-call start for embedders.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function createApp(options: AppOptions = {}): App {
  const { journal, durability, now, newId, sessions = memorySessions() } = options
  const provider = options.provider ?? chooseProvider(options)
  if (options.provider) refuseServerOptions(options)
  const bus = new MessageBus({
    journal: typeof journal === 'string' ? jsonlJournal(journal, given('durability', durability)) : journal,
    now,
    newId,
  })

  bus.attach(typeof sessions === 'string' ? jsonFileSessions(sessions) : sessions)
  // Before what looks into model calls, so that a turn counts what those make of them.
  bus.attach(toolChatEngine(options))
  bus.attach(usageMeter({ model: options.model ?? DEFAULT_MODEL, ...options.usage }))
  bus.attach(structuredOutput())
  bus.attach(contextManager(options.context))
  bus.attach(toolManager(options.tools ?? [], options.toolOptions))
  bus.attach(provider)

  return {
    bus,
    chat: (session) => openChat(bus, session ?? bus.newId()),
    stop: (stopOptions) => bus.stop(stopOptions),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}

const SERVER_OPTIONS = ['apiKey', 'baseURL', 'offline', 'profile', 'stream', 'timeouts'] as const

/** A provider answers in place of a server: what is said of one would be ignored without a word. */
function refuseServerOptions(options: AppOptions): void {
  const idle = SERVER_OPTIONS.find((option) => options[option] !== undefined)
  if (idle === undefined) return
  throw new BuslineError(
    'INVALID_OPTION',
    `createApp has both provider and ${idle}, which says how to reach a server. Give one of them.`,
    { data: { option: idle } },
  )
}

function chooseProvider(options: AppOptions): Participant {
  const apiKey = options.apiKey ?? process.env['OPENAI_API_KEY']
  const baseURL = options.baseURL ?? process.env['OPENAI_BASE_URL']
  const { stream, profile, timeouts } = options
  const model = options.model ?? DEFAULT_MODEL
  if (options.offline) return offlineProvider({ model, stream })
  if (!apiKey && !baseURL) {
    process.emitWarning(
      'No API key and no base URL: the built-in offline model answers. Set OPENAI_API_KEY, or pass apiKey, baseURL or offline: true.',
      {
        code: 'BUSLINE_OFFLINE',
      },
    )
    return offlineProvider({ model, stream })
  }
  return openaiProvider({
    model,
    apiKey: apiKey || undefined,
    baseURL: baseURL || undefined,
    stream,
    profile,
    timeouts,
  })
}

/** The same client as for a real server, pointed at one that this process runs on loopback. */
function offlineProvider(options: { model: string; stream: boolean | undefined }): Participant {
  return async (bus) => {
    // It answers under the name that was asked for: a journal must tell that no such model did, nor cost anything.
    bus.use(
      async function offlineAnswer(_message, next) {
        return { ...ModelAnswer.parse(await next()), provider: 'busline-offline', cost: 0 }
      },
      { for: [CallModel] },
    )
    const server = await offlineServer()
    bus.attach(openaiProvider({ ...options, baseURL: server.url }))
    return () => server.close()
  }
}

/** An option only where it was given: an explicit undefined is not one. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  const option: { [Key in Name]?: Value } = {}
  if (value !== undefined) option[name] = value
  return option
}
