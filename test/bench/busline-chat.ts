import { join } from 'node:path'
import { createApp, defineTool, OpenSession, UpdateSession, type App, type Chat } from 'busline'
import { chatHistory } from './chat-history.ts'
import type { Talker, TalkSetup } from './talker.ts'
import { temporaryFolder } from './temporary.ts'
import { DESCRIPTION, MODEL, parameters, QUESTION, TOOL_NAME, weatherOf } from './weather.ts'

const weather = defineTool({
  name: TOOL_NAME,
  description: DESCRIPTION,
  parameters,
  effect: 'read',
  run: ({ location }) => weatherOf(location),
})

/** Nothing is recorded, and sessions are in memory. */
export async function inMemory(setup: TalkSetup): Promise<Talker> {
  const app = newApp(setup)
  await begin(app, setup, false)
  return { ...talker(app), stop: () => stopped(app) }
}

/**
 * A journal file with the default durability, and session files. A history is read from files that another app wrote. The
 * sessions are opened before: `new` ones have their JSON file only, `begun` ones had a change, which makes the tail file.
 */
export async function inFiles(setup: TalkSetup, sessions: 'new' | 'begun' = 'new'): Promise<Talker> {
  const { folder, remove } = temporaryFolder()
  const files = { sessions: join(folder, 'sessions') }
  if (setup.history > 0) {
    const before = newApp(setup, files)
    await begin(before, setup, false)
    await before.stop()
  }
  const app = newApp(setup, { ...files, journal: join(folder, 'bench.jsonl') })
  await begin(app, { ...setup, history: 0 }, sessions === 'begun')
  return {
    ...talker(app),
    stop: async () => {
      await stopped(app)
      remove()
    },
  }
}

async function stopped(app: App): Promise<void> {
  const { abandoned, timedOut } = await app.stop()
  if (timedOut || abandoned.length > 0) throw new Error(`${abandoned.length} messages had not ended.`)
}

function newApp({ url, stream, tools }: TalkSetup, files: { sessions?: string; journal?: string } = {}): App {
  return createApp({ baseURL: url, model: MODEL, tools: tools ? [weather] : [], stream, ...files })
}

async function begin(app: App, { conversations, history }: TalkSetup, change: boolean): Promise<void> {
  for (let number = 0; number < conversations; number++) {
    await app.bus.execute(OpenSession, { id: idOf(number) })
    const session = app.bus.session(idOf(number))
    if (history > 0) await session.execute(UpdateSession, { messages: chatHistory(history) })
    if (change) await session.execute(UpdateSession, { name: 'bench' })
    session.dispose()
  }
}

function talker(app: App): Talker {
  const chats: Chat[] = []
  return {
    async turn(conversation) {
      const chat = (chats[conversation] ??= app.chat(idOf(conversation)))
      const { reply } = await chat.send(QUESTION)
      return reply
    },
  }
}

function idOf(conversation: number): string {
  return `conversation-${conversation}`
}
