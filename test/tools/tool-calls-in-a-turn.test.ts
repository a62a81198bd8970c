import { createApp, defineTool, memoryJournal, scriptedProvider, type ModelRequest, type Tool } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const plain = { description: '', parameters: z.object({}) }

/** An app whose model makes one call, then answers in words; `requests` is what the model was sent. */
function appCalling(call: { name: string; arguments: object | string }, tools: readonly Tool[]) {
  const requests: ModelRequest[] = []
  const journal = memoryJournal()
  const app = createApp({
    journal,
    tools,
    provider: scriptedProvider([
      (request) => {
        requests.push(structuredClone(request))
        return { toolCalls: [call] }
      },
      (request) => {
        requests.push(structuredClone(request))
        return 'I see.'
      },
    ]),
  })
  return { app, requests, journal }
}

const tools = [
  defineTool({
    name: 'greet',
    description: '',
    parameters: z.object({ who: z.string() }),
    run: ({ who }) => `hello ${who}`,
  }),
  defineTool({ ...plain, name: 'boom', run: () => Promise.reject(new Error('No power.')) }),
  defineTool({ ...plain, name: 'slow', timeout: 20, run: () => new Promise(() => undefined) }),
  defineTool({ ...plain, name: 'down', health: () => false, run: () => 1 }),
  defineTool({ ...plain, name: 'dated', run: () => new Date(0) }),
]

// Rows 37 and 84 of the mission: each end of a call is a tool message, and a chain of lines in the journal.
describe('in a turn', () => {
  test.each([
    ['a valid call', { name: 'greet', arguments: { who: 'Ada' } }, null],
    ['arguments that do not fit', { name: 'greet', arguments: { who: 7 } }, 'INVALID_ARGUMENTS'],
    ['arguments that are no JSON', { name: 'greet', arguments: '{"who":' }, 'INVALID_ARGUMENTS'],
    ['an unknown tool', { name: 'great', arguments: {} }, 'UNKNOWN_TOOL'],
    ['a tool that throws', { name: 'boom', arguments: {} }, 'HANDLER_FAILED'],
    ['a tool that takes too long', { name: 'slow', arguments: {} }, 'TIMED_OUT'],
    ['a tool that is down', { name: 'down', arguments: {} }, 'TOOL_UNAVAILABLE'],
    ['a result that is no JSON', { name: 'dated', arguments: {} }, 'NOT_JSON'],
  ])(
    '%s reaches the model, and the journal has the chain from the user to its result',
    async (_name, call, code) => {
      const { app, requests, journal } = appCalling(call, tools)
      const { reply, toolCalls } = await app.chat('s1').send('go')
      await app.stop()
      expect(reply).toBe('I see.')
      expect(toolCalls).toMatchObject([{ name: call.name, error: code === null ? null : { code } }])
      expect(requests[1]?.messages.at(-1)).toMatchObject({
        role: 'tool',
        tool_call_id: toolCalls[0]?.id,
        content: expect.stringContaining(code ?? 'hello Ada'),
      })

      const { records } = journal
      const turn = records.find(({ kind, type }) => kind === 'command' && type === 'chat.runTurn')
      const called = records.find(({ kind, type }) => kind === 'command' && type === 'tool.call')
      const ended = records.find(({ kind, of }) => kind === 'result' && of === called?.id)
      expect(turn?.data).toMatchObject({ text: 'go' })
      expect(called).toMatchObject({
        turn: turn?.id,
        root: turn?.id,
        data: { call: toolCalls[0]?.id, name: call.name },
      })
      expect(ended).toMatchObject(code === null ? { status: 'ok', output: 'hello Ada' } : { error: { code } })
    },
  )

  // Row 42.
  test('hidden context reaches the tool, and neither the model nor the journal', async () => {
    const secret = 'tenant-4711-not-for-models'
    const seen: unknown[] = []
    const peek = defineTool({
      ...plain,
      name: 'peek',
      approval: (_input, { context }) => {
        seen.push(context['tenant'])
        return false
      },
      run: (_input, { context }) => {
        seen.push(context['tenant'])
        return 'done'
      },
    })
    const { app, requests, journal } = appCalling({ name: 'peek', arguments: {} }, [peek])
    await app.chat('s1').send('go', { context: { tenant: secret } })
    await app.stop()
    expect(seen).toEqual([secret, secret])
    expect(requests).toHaveLength(2)
    expect(JSON.stringify(requests)).not.toContain(secret)
    expect(JSON.stringify(journal.records)).not.toContain(secret)
  })
})
