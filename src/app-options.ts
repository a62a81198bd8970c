import type { Participant } from './bus/bus.ts'
import type { Journal } from './bus/journal.ts'
import type { ContextManagerOptions } from './context/context-manager.ts'
import type { ToolChatEngineOptions } from './engine/engine-settings.ts'
import type { Durability } from './journal/journal-options.ts'
import { BuslineError } from './messages/busline-error.ts'
import type { OpenAIProviderOptions } from './providers/openai-provider.ts'
import type { Tool } from './tools/define-tool.ts'
import type { ToolManagerOptions } from './tools/tool-manager-options.ts'
import type { UsageMeterOptions } from './usage/usage-meter.ts'

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
  /** Of your own: handlers, subscribers, middleware. Replays and what-ifs attach them too (default: none). */
  participants?: readonly Participant[] | undefined
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

/** Every option, once: a test of types holds it to {@link AppOptions}. What else is given was meant to be one of them. */
const OPTIONS: Readonly<Record<keyof AppOptions, true>> = {
  model: true,
  systemPrompt: true,
  sampling: true,
  fallbacks: true,
  retry: true,
  stopWhen: true,
  whileBusy: true,
  delayedAfter: true,
  maxCallsPerStep: true,
  maxResultLength: true,
  maxSteps: true,
  maxTokens: true,
  maxCost: true,
  maxDurationMs: true,
  apiKey: true,
  baseURL: true,
  stream: true,
  profile: true,
  timeouts: true,
  offline: true,
  provider: true,
  tools: true,
  toolOptions: true,
  context: true,
  usage: true,
  participants: true,
  sessions: true,
  journal: true,
  durability: true,
  now: true,
  newId: true,
}

const SERVER_OPTIONS = ['apiKey', 'baseURL', 'offline', 'profile', 'stream', 'timeouts'] as const

/** Refuses, naming it, an option that there is not, one of another kind, and what one option makes of no use. */
export function checkAppOptions(options: AppOptions): void {
  const unknown = Object.keys(options).find((option) => !Object.hasOwn(OPTIONS, option))
  if (unknown !== undefined)
    throw invalid(unknown, `There is no such option. There are ${Object.keys(OPTIONS).join(', ')}.`)
  const { provider, sessions, journal, tools, participants } = options
  if (provider !== undefined && typeof provider !== 'function')
    throw invalid('provider', 'It must be a participant.')
  if (sessions !== undefined && typeof sessions !== 'function' && typeof sessions !== 'string')
    throw invalid('sessions', 'It must be a folder or a participant.')
  if (
    journal === '' ||
    (journal !== undefined && typeof journal !== 'string' && typeof journal.append !== 'function')
  )
    throw invalid('journal', 'It must be a file or a journal.')
  if (participants !== undefined && !(Array.isArray(participants) && participants.every(isFunction)))
    throw invalid('participants', 'It must be a list of participants.')
  if (tools !== undefined && !Array.isArray(tools)) throw invalid('tools', 'It must be a list of tools.')

  // A provider answers in place of a server: what is said of one would be ignored without a word.
  const idle = provider && SERVER_OPTIONS.find((option) => options[option] !== undefined)
  if (idle !== undefined)
    throw invalid(idle, 'It says how to reach a server, and there is a provider too. Give one of them.')
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function invalid(option: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `createApp.${option}: ${why}`, { data: { option } })
}
