import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  AppendMessages,
  CallModel,
  CloseSession,
  createApp,
  EditMessages,
  FindMessages,
  jsonFileSessions,
  OpenSession,
  scriptedProvider,
  textOf,
  TurnFinished,
  UpdateSession,
  type App,
} from 'busline'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryDir } from './session-bus.ts'

/** An app whose model answers `1`, `2`, …, and what it was asked, `role: text` each. */
function appOn(sessions?: string, systemPrompt = 'Be brief.') {
  const app: App = createApp({
    provider: scriptedProvider(Array.from({ length: 9 }, (_, index) => `${index + 1}`)),
    systemPrompt,
    ...(sessions === undefined ? {} : { sessions: jsonFileSessions(sessions) }),
  })
  onTestFinished(async () => void (await app.stop()))
  const requests: string[][] = []
  app.bus.use(
    async function seeRequests(message, next) {
      const { messages } = CallModel.input.parse(message.data)
      requests.push(messages.map((one) => `${one.role}: ${textOf(one)}`))
      return next()
    },
    { for: [CallModel] },
  )
  return { app, requests }
}

test('an earlier message that was edited is what the next request sends', async () => {
  const dir = temporaryDir()
  const { app, requests } = appOn(dir)
  const chat = app.chat('s')
  await chat.send('I have 24 red birds')
  const session = app.bus.session('s')
  const [first] = await session.execute(FindMessages, { where: { role: 'user' }, limit: 1 })

  await session.execute(EditMessages, {
    edits: [{ op: 'update', id: first?.id ?? '', set: { content: 'I have 25 blue birds' } }],
  })
  await chat.send('How many?')

  expect(requests.at(-1)).toEqual([
    'system: Be brief.',
    'user: I have 25 blue birds',
    'assistant: 1',
    'user: How many?',
  ])
})

test('messages that were deleted and inserted are, too', async () => {
  const { app, requests } = appOn()
  const chat = app.chat('s')
  await chat.send('one')
  const session = app.bus.session('s')
  const { messages } = await session.execute(OpenSession, {})
  const [question = '', answer = ''] = messages.flatMap(({ id }) => id ?? [])

  const insert = { role: 'assistant', content: 'another answer' } as const
  await session.execute(EditMessages, {
    edits: [
      { op: 'delete', ids: [answer] },
      { op: 'insert', after: question, messages: [insert] },
    ],
  })
  await chat.send('two')

  expect(requests.at(-1)).toEqual(['system: Be brief.', 'user: one', 'assistant: another answer', 'user: two'])
})

test('an archived message is not sent, and kept', async () => {
  const { app, requests } = appOn()
  const chat = app.chat('s')
  await chat.send('old')
  const session = app.bus.session('s')
  const ids = (await session.execute(OpenSession, {})).messages.flatMap(({ id }) => id ?? [])

  await session.execute(EditMessages, { edits: [{ op: 'mark', ids, meta: { archived: true } }] })
  await chat.send('new')

  expect(requests.at(-1)).toEqual(['system: Be brief.', 'user: new'])
  const kept = await session.execute(FindMessages, { where: { 'meta.archived': true } })
  expect(kept.map(textOf)).toEqual(['old', '1'])
})

test('a system prompt that was changed is in the next request', async () => {
  const { app, requests } = appOn()
  const chat = app.chat('s')
  await chat.send('one')

  await app.bus.session('s').execute(UpdateSession, { systemPrompt: 'Be long.' })
  await chat.send('two')

  expect(requests.at(-1)?.[0]).toBe('system: Be long.')
})

test('a history that was cleared leaves the system prompt and nothing else in the next request', async () => {
  const { app, requests } = appOn()
  const chat = app.chat('s')
  await chat.send('one')

  await app.bus.session('s').execute(UpdateSession, { messages: [] })
  await chat.send('two')

  expect(requests.at(-1)).toEqual(['system: Be brief.', 'user: two'])
})

test('two chats of one user know nothing of each other', async () => {
  const { app, requests } = appOn()
  await app.bus.execute(OpenSession, { id: 's1_a', systemPrompt: 'A' })
  await app.bus.execute(OpenSession, { id: 's1_b', systemPrompt: 'B' })

  await app.chat('s1_a').send('to a')
  await app.chat('s1_b').send('to b')

  expect(requests).toEqual([
    ['system: A', 'user: to a'],
    ['system: B', 'user: to b'],
  ])
})

test('a process that is killed leaves its conversation to the next one, in JSON', async () => {
  const dir = temporaryDir()
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('session-child.ts', import.meta.url)), dir, 's', 'say', 'I see 25 blue birds'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone

  const { app, requests } = appOn(dir)
  await app.chat('s').send('What do I see?')
  await app.stop()

  expect(requests.at(-1)).toEqual(['system: Be brief.', 'user: I see 25 blue birds', 'assistant: ok', 'user: What do I see?'])
  expect(JSON.parse(readFileSync(join(dir, 's.json'), 'utf8'))).toMatchObject({
    v: 1,
    messages: [{ content: 'I see 25 blue birds' }, { content: 'ok' }, { content: 'What do I see?' }, { content: '1' }],
  })
})

test('what is appended when a turn has finished does not make it interrupted: there is nothing to resume', async () => {
  const { app, requests } = appOn()
  const rated = new Promise<void>((resolve) => {
    app.bus.on(TurnFinished, async function rate(_turn, scope) {
      const { version } = await scope.execute(OpenSession, {})
      await scope.execute(AppendMessages, { version, messages: [{ role: 'user', content: 'rated' }] })
      resolve()
    })
  })
  const chat = app.chat('s')
  await chat.send('hello')
  await rated
  await chat.close()

  const again = app.chat('s')
  expect(await again.resume()).toBeNull()
  expect(requests).toHaveLength(1)
  const { openTurn, messages } = await app.bus.execute(OpenSession, { id: 's' })
  expect(openTurn).toBeUndefined()
  expect(messages.map(textOf)).toEqual(['hello', '1', 'rated'])
})

test('nobody takes the session away from a turn that runs: it ends as if nothing had been tried', async () => {
  const { app } = appOn()
  let refused: unknown
  app.bus.use(
    async function closesMeanwhile(_message, next) {
      refused = await app.bus.session('s').execute(CloseSession, {}).catch((error: unknown) => error)
      return next()
    },
    { for: [CallModel] },
  )
  const chat = app.chat('s')

  expect(await chat.send('hello')).toMatchObject({ reply: '1' })

  expect(refused).toMatchObject({ code: 'SESSION_BUSY', data: { session: 's' } })
  await chat.close()
  expect((await app.bus.execute(OpenSession, { id: 's' })).messages.map(textOf)).toEqual(['hello', '1'])
})

test('an empty folder in the options of an app is refused', () => {
  expect(() => createApp({ offline: true, sessions: '' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', data: { option: 'dir' } }),
  )
})
