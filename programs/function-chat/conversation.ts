import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  AppendMessages,
  BuslineError,
  OpenSession,
  UpdateSession,
  consoleLog,
  createApp,
  jsonFileSessions,
  MessageBus,
  type App,
  type Bus,
  type Chat,
  type ConsoleLogOptions,
  type Session,
} from 'busline'
import type * as z from 'zod'
import { chatApp, FunctionChatStarted, type ChatSettings } from './chat-app.ts'
import type { ChatOptions } from './options.ts'

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
  if (options.session !== undefined) await checkSession(options.session, options)
  const offline = options.offline || (!options.apiKey && !options.baseURL)
  const journal = join(options.logDir, `${stamp(new Date())}-${process.pid}.jsonl`)
  const settings = settingsOf(options)
  const app = createApp({
    ...chatApp(settings),
    sessions: options.sessionsDir,
    journal,
    offline,
    ...(options.apiKey && !offline ? { apiKey: options.apiKey } : {}),
    ...(options.baseURL && !offline ? { baseURL: options.baseURL } : {}),
  })
  // Registered whatever answers: a key that is not used must not be recorded either.
  if (options.apiKey) app.bus.secret(options.apiKey)
  if (options.console) app.bus.attach(consoleLog({ ...log, level: options.logLevel, journal }))
  try {
    app.bus.publish(FunctionChatStarted, settings)
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
  const ofApp = chatApp(settingsOf(options))
  const wanted = { id, name, model: ofApp.model, systemPrompt: ofApp.systemPrompt }
  const opened = await openOrSay(app.bus, { ...wanted, create: id === undefined }, options)

  const changes = {
    ...(name !== undefined && name !== opened.name ? { name } : {}),
    ...(model !== undefined && model !== opened.model ? { model } : {}),
    ...(systemPrompt !== undefined && systemPrompt !== opened.systemPrompt ? { systemPrompt } : {}),
  }
  if (Object.keys(changes).length > 0) await app.bus.session(opened.id).execute(UpdateSession, changes)
  return { session: { ...opened, ...changes }, resumed: id !== undefined }
}

function settingsOf({ model, systemPrompt, stream, maxSteps }: ChatOptions): ChatSettings {
  return { model, systemPrompt, stream, maxSteps }
}

/**
 * Refuses a session that there is not, or that can't be, in the words of the store, but before a journal is begun: a command
 * line that is wrong leaves no run behind.
 */
async function checkSession(id: string, options: ChatOptions): Promise<void> {
  const { sessionsDir } = options
  if (!existsSync(sessionsDir)) throw noSession(options)
  if (basename(id) === id && existsSync(join(sessionsDir, `${id}.json`))) return
  await using bus = new MessageBus()
  bus.attach(jsonFileSessions(sessionsDir))
  await openOrSay(bus, { id, create: false }, options)
}

async function openOrSay(
  bus: Bus,
  wanted: z.input<typeof OpenSession.input>,
  options: ChatOptions,
): Promise<Session> {
  try {
    return await bus.execute(OpenSession, wanted)
  } catch (error) {
    const isUnknown = error instanceof BuslineError && error.code === 'SESSION_NOT_FOUND'
    throw isUnknown ? noSession(options, error) : error
  }
}

function noSession({ session: id, sessionsDir }: ChatOptions, cause?: unknown): BuslineError {
  const text = `There is no session ${id} in ${sessionsDir}. --list-sessions tells which there are.`
  return new BuslineError('SESSION_NOT_FOUND', text, { cause })
}

/** UTC as yyyymmddThhmmss. */
function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
}
