import {
  AppendMessages,
  contextManager,
  ContextDegraded,
  ContextPurged,
  ContextSummarized,
  EditMessages,
  jsonFileSessions,
  memorySessions,
  MessageBus,
  OpenSession,
  ReadContext,
  scriptedProvider,
  summarize,
  textOf,
  type ContextManagerOptions,
  type ConversationMessage,
  type Participant,
} from 'busline'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const long = (word: string): ConversationMessage => ({ role: 'user', content: word.padEnd(400, '.') })
const words = (messages: readonly ConversationMessage[]): string[] =>
  messages.map((message) => textOf(message).replaceAll('.', ''))

async function session(
  options: ContextManagerOptions,
  messages: ConversationMessage[],
  store: Participant = memorySessions(),
) {
  const bus = new MessageBus()
  bus.attach(store)
  bus.attach(contextManager(options))
  const { version } = await bus.execute(OpenSession, { id: 's' })
  const scope = bus.session('s')
  if (messages.length > 0) await scope.execute(AppendMessages, { messages, version })
  const heard: unknown[] = []
  bus.on([ContextPurged, ContextSummarized, ContextDegraded], (data) => heard.push(data))
  return { bus, scope, heard, read: async () => words((await scope.execute(ReadContext, {})).messages) }
}

describe('purge', () => {
  test('marks whole exchanges by id, not-needed ones first, down to the share, once, and survives a reload', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-context-'))
    try {
      const options = { maxTokens: 450, purge: { to: 0.6 } }
      const messages = ['one', 'two', 'three', 'four', 'five', 'six'].map(long)
      const first = await session(options, [], jsonFileSessions(folder))
      await first.scope.execute(AppendMessages, { messages, version: 1 })
      const stored = await first.bus.execute(OpenSession, { id: 's' })
      const idOf = (place: number): string => stored.messages[place]?.id ?? ''
      await first.scope.execute(EditMessages, {
        edits: [
          { op: 'mark', ids: [idOf(0)], meta: { pinned: true } },
          { op: 'mark', ids: [idOf(4)], meta: { notNeeded: true } },
        ],
      })
      expect(await first.read()).toEqual(['one', 'six'])
      expect(await first.read()).toEqual(['one', 'six'])
      await first.bus.stop()
      expect(first.heard).toEqual([{ messages: [4, 1, 2, 3].map(idOf), tokens: 416 }])

      const again = await session({}, [], jsonFileSessions(folder))
      expect(await again.read()).toEqual(['one', 'six'])
      expect((await again.bus.execute(OpenSession, { id: 's' })).messages).toHaveLength(6)
      await again.bus.stop()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('writes nothing while the history fits', async () => {
    const { bus, read, heard } = await session({ maxTokens: 1000, purge: true }, [long('one'), long('two')])
    expect(await read()).toEqual(['one', 'two'])
    await bus.stop()
    expect(heard).toEqual([])
  })
})

describe('summarize', () => {
  test('asks the model on overflow, stores the summary and archives what it stands for; later summarizes that too', async () => {
    const strategy = summarize({ maxTokens: 350, keep: 0.4, model: 'small' })
    const messages = ['one', 'two', 'three', 'four'].map(long)
    const { bus, scope, read, heard } = await session({ strategy }, messages)
    const asked: string[] = []
    bus.attach(
      scriptedProvider([
        (request) => {
          asked.push(`${request.model} ${words(request.messages)[1]}`)
          return 'They counted to three'
        },
        (request) => {
          asked.push(words(request.messages)[1] ?? '')
          return 'They counted to six'
        },
      ]),
    )
    const summary = 'Summary of the earlier conversation:\nThey counted to three'
    expect(await read()).toEqual([summary, 'four'])
    expect(await read()).toEqual([summary, 'four'])
    expect(asked).toEqual(['small user: one\n\nuser: two\n\nuser: three'])

    const { version, messages: stored } = await bus.execute(OpenSession, { id: 's' })
    expect(stored.map(({ meta }) => meta?.kind ?? meta?.archived ?? false)).toEqual([
      true,
      true,
      true,
      'summary',
      false,
    ])
    await scope.execute(AppendMessages, { messages: ['five', 'six', 'seven'].map(long), version })
    expect((await read())[0]).toContain('They counted to six')
    expect(asked[1]).toContain('They counted to three')
    await bus.stop()
    expect(heard).toHaveLength(2)
  })

  test('sends the window and says so when the summarizer fails, and the history stays as it was', async () => {
    const strategy = summarize({ maxTokens: 250, with: () => Promise.reject(new Error('no')) })
    const { bus, read, heard } = await session({ strategy }, ['one', 'two', 'three'].map(long))
    expect(await read()).toEqual(['two', 'three'])
    expect((await bus.execute(OpenSession, { id: 's' })).messages).toHaveLength(3)
    await bus.stop()
    expect(heard).toMatchObject([{ part: 'summary', error: { message: 'no' } }])
  })

  test('never summarizes what is pinned', async () => {
    const seen: string[] = []
    const strategy = summarize({
      maxTokens: 350,
      keep: 0.4,
      with: (messages) => {
        seen.push(...words(messages))
        return 'short'
      },
    })
    const pinned = { ...long('pinned'), meta: { pinned: true } }
    const { read } = await session({ strategy }, [pinned, long('one'), long('two'), long('three')])
    expect((await read())[0]).toBe('pinned')
    expect(seen).toEqual(['one', 'two'])
  })

  test('does not summarize a summary alone, however large the last exchange is', async () => {
    let summaries = 0
    const strategy = summarize({ maxTokens: 200, with: () => `summary ${++summaries}` })
    const { bus, scope, read } = await session({ strategy }, [long('one'), long('two')])
    await read()
    for (const word of ['a', 'b', 'c']) {
      const { version } = await bus.execute(OpenSession, { id: 's' })
      const said: ConversationMessage = { role: 'assistant', content: word.padEnd(600, '.') }
      await scope.execute(AppendMessages, { messages: [said], version })
      expect((await read()).at(-1)).toBe(word)
    }
    expect(summaries).toBe(1)
  })

  test('does not take a summary that was cut', async () => {
    const strategy = summarize({ maxTokens: 250 })
    const { bus, read, heard } = await session({ strategy }, ['one', 'two', 'three'].map(long))
    bus.attach(scriptedProvider([{ text: 'They cou', finishReason: 'length' }]))
    expect(await read()).toEqual(['two', 'three'])
    expect((await bus.execute(OpenSession, { id: 's' })).messages.map(({ meta }) => meta?.archived)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    await bus.stop()
    expect(heard).toMatchObject([{ part: 'summary', error: { code: 'ANSWER_CUT' } }])
  })

  test('gives the summary the turn of what it stands for, not the one in which it was made', async () => {
    const strategy = summarize({ maxTokens: 250, keep: 0.5, with: () => 'short' })
    const messages = ['one', 'two', 'three'].map((word) => ({ ...long(word), turn: `turn ${word}` }))
    const { bus, scope } = await session({ strategy }, messages)
    await scope.execute(ReadContext, {}, { turn: 'now' })
    const stored = await bus.execute(OpenSession, { id: 's' })
    expect(stored.messages.find(({ meta }) => meta?.kind === 'summary')?.turn).toBe('turn two')
  })

  test('ends with the turn when a summarizer does not', async () => {
    const stopping = new AbortController()
    const hanging = () => {
      stopping.abort()
      return new Promise<string>(() => undefined)
    }
    const strategy = summarize({ maxTokens: 250, with: hanging })
    const { bus, scope, heard } = await session({ strategy }, ['one', 'two', 'three'].map(long))
    const reading = scope.execute(ReadContext, {}, { signal: stopping.signal })
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED', message: 'The caller cancelled it.' })
    await bus.stop()
    expect(heard).toEqual([])
  })
})
