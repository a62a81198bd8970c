import type { Participant } from './bus/bus.ts'
import type { Journal } from './bus/journal.ts'
import { MessageBus } from './bus/message-bus.ts'
import type { StopReport } from './bus/stop.ts'
import { openChat, type Chat } from './chat.ts'
import { contextManager, type ContextManagerOptions } from './context/context-manager.ts'
import { toolChatEngine } from './engine/tool-chat-engine.ts'
import { jsonlJournal } from './journal/jsonl-journal.ts'
import { offlineServer } from './offline/offline-server.ts'
import { openaiProvider } from './providers/openai-provider.ts'
import { jsonFileSessions } from './sessions/json-file-sessions.ts'
import { memorySessions } from './sessions/memory-sessions.ts'
import type { Tool } from './tools/define-tool.ts'
import { toolManager } from './tools/tool-manager.ts'

export interface AppOptions {
  /** Default `gpt-4o-mini`. A session that has a model of its own keeps it. */
  model?: string
  /** Default: the environment's `OPENAI_API_KEY`. */
  apiKey?: string
  /** Any OpenAI-compatible server (default: the environment's `OPENAI_BASE_URL`, then OpenAI's). */
  baseURL?: string
  /** Ask for streams (default true). */
  stream?: boolean
  /** The built-in offline model, whatever the environment (default: only when there is neither a key nor a base URL). */
  offline?: boolean
  /** Handles `model.call` in place of all of the above, e.g. `scriptedProvider([...])`. */
  provider?: Participant
  tools?: readonly Tool[]
  /** For sessions that have none of their own (default: none). */
  systemPrompt?: string
  /** Model calls with tools in one turn, default 10. */
  maxSteps?: number
  context?: ContextManagerOptions
  /** A folder of session files, or a participant that handles the `session.*` commands (default: in memory). */
  sessions?: string | Participant
  /** A journal file, or a journal (default: nothing is recorded). */
  journal?: string | Journal
  /** Epoch milliseconds, for tests (default `Date.now`). */
  now?: () => number
  /** Random ids, for tests. */
  newId?: () => string
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

/** Puts bus, engine, tools, context, store and provider together: the one-call start for embedders. */
export function createApp(options: AppOptions = {}): App {
  const { journal, now, newId } = options
  const bus = new MessageBus({
    journal: typeof journal === 'string' ? jsonlJournal(journal) : journal,
    now,
    newId,
  })
  const { sessions = memorySessions(), provider = chooseProvider(options) } = options

  bus.attach(typeof sessions === 'string' ? jsonFileSessions(sessions) : sessions)
  bus.attach(contextManager(options.context))
  bus.attach(toolManager(options.tools ?? []))
  bus.attach(provider)
  bus.attach(
    toolChatEngine({
      ...given('model', options.model),
      ...given('systemPrompt', options.systemPrompt),
      ...given('maxSteps', options.maxSteps),
    }),
  )

  return {
    bus,
    chat: (session) => openChat(bus, session ?? bus.newId()),
    stop: (stopOptions) => bus.stop(stopOptions),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}

function chooseProvider(options: AppOptions): Participant {
  const apiKey = options.apiKey ?? process.env['OPENAI_API_KEY']
  const baseURL = options.baseURL ?? process.env['OPENAI_BASE_URL']
  const stream = given('stream', options.stream)
  const model = options.model ?? DEFAULT_MODEL
  if (options.offline) return offlineProvider({ model, ...stream })
  if (!apiKey && !baseURL) {
    process.emitWarning(
      'No API key and no base URL: the built-in offline model answers. Set OPENAI_API_KEY, or pass apiKey, baseURL or offline: true.',
      {
        code: 'BUSLINE_OFFLINE',
      },
    )
    return offlineProvider({ model, ...stream })
  }
  return openaiProvider({
    model,
    ...given('apiKey', apiKey || undefined),
    ...given('baseURL', baseURL || undefined),
    ...stream,
  })
}

/** The same client as for a real server, pointed at one that this process runs on loopback. */
function offlineProvider(options: { model: string; stream?: boolean }): Participant {
  return async (bus) => {
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
