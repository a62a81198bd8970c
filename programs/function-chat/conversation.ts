import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  AppendMessages,
  BuslineError,
  OpenSession,
  UpdateSession,
  consoleLog,
  createApp,
  type App,
  type Chat,
  type ConsoleLogOptions,
  type Session,
} from 'busline'
import { calculate } from './calculate.ts'
import { email } from './email.ts'
import type { ChatOptions } from './options.ts'
import { weather } from './weather.ts'

export const TOOLS = [weather, email, calculate]

const SYSTEM_PROMPT =
  'You are a helpful assistant. Use the tools where they help: get_weather for the weather of a place, send_email to send a mail, calculate for arithmetic.'
const MODEL = 'gpt-4o-mini'

/** An app, a chat on its session, and what the banner tells of them. */
export interface Conversation {
  app: App
  chat: Chat
  session: Session
  resumed: boolean
  /** Whether the session holds nothing but what every new one does. */
  untouched: () => boolean
  offline: boolean
  journal: string
}

/** Sets everything up and opens the session, so that what is wrong with it is said before the first turn. */
export async function openConversation(
  options: ChatOptions,
  log: Pick<ConsoleLogOptions, 'except' | 'write'>,
): Promise<Conversation> {
  // Nothing can go on where nothing was ever kept: said before folders are made.
  if (options.session !== undefined && !existsSync(options.sessionsDir)) throw noSession(options)
  const offline = options.offline || (!options.apiKey && !options.baseURL)
  const journal = join(options.logDir, `${stamp(new Date())}-${process.pid}.jsonl`)
  const app = createApp({
    model: options.model ?? MODEL,
    systemPrompt: options.systemPrompt ?? SYSTEM_PROMPT,
    tools: TOOLS,
    sessions: options.sessionsDir,
    journal,
    offline,
    stream: options.stream,
    maxSteps: options.maxSteps,
    ...(options.apiKey && !offline ? { apiKey: options.apiKey } : {}),
    ...(options.baseURL && !offline ? { baseURL: options.baseURL } : {}),
  })
  // Registered whatever answers: a key that is not used must not be recorded either.
  if (options.apiKey) app.bus.secret(options.apiKey)
  if (options.console) app.bus.attach(consoleLog({ ...log, level: options.logLevel, journal }))
  try {
    const { session, resumed } = await openSession(app, options)
    let untouched = !resumed
    app.bus.tap(function noteChanges({ type }) {
      if (type === AppendMessages.type || type === UpdateSession.type) untouched = false
    })
    return { app, chat: app.chat(session.id), session, resumed, untouched: () => untouched, offline, journal }
  } catch (error) {
    await app.stop()
    throw error
  }
}

async function openSession(app: App, options: ChatOptions): Promise<{ session: Session; resumed: boolean }> {
  const { session: id, sessionName: name, model, systemPrompt } = options
  const wanted = { id, name, model: model ?? MODEL, systemPrompt: systemPrompt ?? SYSTEM_PROMPT }
  const opened = await app.bus
    .execute(OpenSession, { ...wanted, create: id === undefined })
    .catch((error: unknown) => {
      if (!(error instanceof BuslineError) || error.code !== 'SESSION_NOT_FOUND') throw error
      throw noSession(options, error)
    })

  const changes = {
    ...(name !== undefined && name !== opened.name ? { name } : {}),
    ...(model !== undefined && model !== opened.model ? { model } : {}),
    ...(systemPrompt !== undefined && systemPrompt !== opened.systemPrompt ? { systemPrompt } : {}),
  }
  if (Object.keys(changes).length > 0) await app.bus.session(opened.id).execute(UpdateSession, changes)
  return { session: { ...opened, ...changes }, resumed: id !== undefined }
}

function noSession({ session: id, sessionsDir }: ChatOptions, cause?: unknown): BuslineError {
  const text = `There is no session ${id} in ${sessionsDir}. --list-sessions tells which there are.`
  return new BuslineError('SESSION_NOT_FOUND', text, { cause })
}

/** UTC as yyyymmddThhmmss. */
function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
}
