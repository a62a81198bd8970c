import { checkAppOptions, type AppOptions } from './app-options.ts'
import type { Participant } from './bus/bus.ts'
import { MessageBus } from './bus/message-bus.ts'
import type { StopReport } from './bus/stop.ts'
import { openChat, type Chat } from './chat.ts'
import { contextManager } from './context/context-manager.ts'
import { toolChatEngine } from './engine/tool-chat-engine.ts'
import { jsonlJournal } from './journal/jsonl-journal.ts'
import { CallModel, ModelAnswer } from './messages/model.ts'
import { offlineServer } from './offline/open-offline-server.ts'
import { openaiProvider } from './providers/openai-provider.ts'
import { jsonFileSessions } from './sessions/json-file-sessions.ts'
import { memorySessions } from './sessions/memory-sessions.ts'
import { structuredOutput } from './structured/structured-output.ts'
import { toolManager } from './tools/tool-manager.ts'
import { usageMeter } from './usage/usage-meter.ts'

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
  checkAppOptions(options)
  const { journal, durability, now, newId, sessions = memorySessions() } = options
  // All participants first, which refuse what is wrong with an option: a journal is opened when nothing is.
  const participants = [
    typeof sessions === 'string' ? jsonFileSessions(sessions) : sessions,
    ...worldless(options),
    options.provider ?? chooseProvider(options),
  ]
  const bus = new MessageBus({
    journal: typeof journal === 'string' ? jsonlJournal(journal, given('durability', durability)) : journal,
    now,
    newId,
  })
  for (const participant of participants) bus.attach(participant)

  return {
    bus,
    chat: (session) => openChat(bus, session ?? bus.newId()),
    stop: (stopOptions) => bus.stop(stopOptions),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}

/** What of an app touches nothing outside of the process: all but its store, its provider and its journal. */
function worldless(options: AppOptions): Participant[] {
  return [
    // Before what looks into model calls, so that a turn counts what those make of them.
    toolChatEngine(options),
    usageMeter({ model: options.model ?? DEFAULT_MODEL, ...options.usage }),
    structuredOutput(),
    contextManager(options.context),
    toolManager(options.tools ?? [], options.toolOptions),
    ...(options.participants ?? []),
  ]
}

/**
 * The app of these options without its store, its provider and its journal: what a replay runs again.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function appForReplay(options: AppOptions = {}): Participant {
  checkAppOptions(options)
  const participants = worldless(options)
  return function app(bus) {
    for (const participant of participants) bus.attach(participant)
  }
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
