import { exportOpenai, type ExportOpenaiOptions } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { weather } from '../golden/apps.ts'
import { cancelledTurn, resumedTurn } from '../golden/broken-turns.ts'
import { contextSummary, twoSessions } from '../golden/meeting-turns.ts'
import { failingTools, oneTool, streamedReasoning } from '../golden/single-turns.ts'
import type { GoldenRun } from '../golden/golden-run.ts'
import { journalOf, recordsOf, turnOf, whole } from './fixtures/exported.ts'

/** `FineTuneChatRequestInput` of https://github.com/openai/openai-openapi: what it does not name is refused. */
const Call = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
})
const Message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().optional(),
    tool_calls: z.array(Call).min(1).optional(),
    weight: z.union([z.literal(0), z.literal(1)]).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content: z.string(), tool_call_id: z.string() }),
])
const Line = z.strictObject({
  messages: z.array(Message).min(2),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string(),
          description: z.string(),
          parameters: z.looseObject({}),
        }),
      }),
    )
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
})

async function exported(run: GoldenRun, options: ExportOpenaiOptions = {}) {
  const left: unknown[] = []
  const unknown: string[] = []
  const text = await whole(
    exportOpenai(recordsOf(await run.play()), {
      onLeftOut: (turn) => left.push(turn),
      onToolUnknown: (name) => unknown.push(name),
      ...options,
    }),
  )
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => Line.parse(JSON.parse(line)))
  for (const { messages } of lines) expectValid(messages)
  return { lines, left, unknown }
}

/** Each call has its result right behind it, and an answer ends the conversation. */
function expectValid(messages: z.output<typeof Message>[]): void {
  let open: string[] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(open).toContain(message.tool_call_id)
      open = open.filter((id) => id !== message.tool_call_id)
      continue
    }
    expect(open).toEqual([])
    if (message.role === 'assistant') open = (message.tool_calls ?? []).map(({ id }) => id)
  }
  expect(open).toEqual([])
  expect(messages.at(-1)?.role).toBe('assistant')
}

const roles = ({ messages }: z.output<typeof Line>) => messages.map(({ role }) => role)

describe('exportOpenai', () => {
  test.each(GOLDEN_RUNS)('$name: has only lines that fine-tuning takes', async (run) => {
    await exported(run)
    await exported(run, { per: 'turn', failed: true, weights: 'last', tools: [weather] })
  })

  test('has a line a session, its system prompt first', async () => {
    const { lines } = await exported(oneTool)
    expect(lines.map(roles)).toEqual([
      ['system', 'user', 'assistant', 'tool', 'assistant', 'user', 'assistant'],
    ])
    expect(lines[0]?.messages[0]).toEqual({ role: 'system', content: 'You help.' })
    expect((await exported(twoSessions)).lines).toHaveLength(2)
    expect((await exported(twoSessions, { session: 'bob' })).lines).toHaveLength(1)
  })

  test('has a line a turn behind those before it, which are not trained again', async () => {
    const { lines } = await exported(oneTool, { per: 'turn' })
    expect(lines.map(roles)).toEqual([
      ['system', 'user', 'assistant', 'tool', 'assistant'],
      ['system', 'user', 'assistant', 'tool', 'assistant', 'user', 'assistant'],
    ])
    const weights = lines[1]?.messages.flatMap((message) =>
      message.role === 'assistant' ? [message.weight] : [],
    )
    expect(weights).toEqual([0, 0, undefined])
  })

  test('trains the last answer of a line alone where asked', async () => {
    const { lines } = await exported(oneTool, { weights: 'last' })
    const weights = lines[0]?.messages.flatMap((message) =>
      message.role === 'assistant' ? [message.weight] : [],
    )
    expect(weights).toEqual([0, 0, undefined])
  })

  test('takes ids, meta and reasoning off', async () => {
    const { lines } = await exported(streamedReasoning)
    expect(lines[0]?.messages.at(-1)).toEqual({
      role: 'assistant',
      content: 'The answer is 168: one hundred and sixty-eight.',
    })
  })

  test('says which tools the journal knows by name alone, and tells what is given of them', async () => {
    const bare = await exported(oneTool)
    expect(bare.unknown).toEqual(['get_weather'])
    expect(bare.lines[0]).not.toHaveProperty('tools')
    const { lines, unknown } = await exported(oneTool, { tools: [weather] })
    expect(unknown).toEqual([])
    expect(lines[0]?.tools).toMatchObject([
      { function: { name: 'get_weather', parameters: { type: 'object' } } },
    ])
  })

  test('leaves out a turn that was cancelled, and says so', async () => {
    const { lines, left } = await exported(cancelledTurn)
    expect(lines.map(roles)).toEqual([['system', 'user', 'assistant']])
    expect(left).toMatchObject([{ session: 's1', why: 'it ended with cancelled' }])
    expect((await exported(cancelledTurn, { failed: true })).lines.map(roles)).toEqual([
      ['system', 'user', 'assistant', 'user', 'assistant'],
    ])
  })

  test('never trains an answer that broke off', async () => {
    const { lines } = await exported(cancelledTurn, { failed: true })
    const answers = lines[0]?.messages.filter(({ role }) => role === 'assistant')
    expect(answers).toMatchObject([{ content: 'Once upon', weight: 0 }, { content: 'The end.' }])
    expect(answers?.[1]).not.toHaveProperty('weight')

    const byTurn = await exported(cancelledTurn, { failed: true, per: 'turn' })
    expect(byTurn.lines.map(roles)).toEqual([['system', 'user', 'assistant', 'user', 'assistant']])
    expect(byTurn.left).toMatchObject([{ session: 's1', why: 'every answer in it broke off' }])
  })

  test('leaves out a turn with a call that no training file may hold', async () => {
    expect(await exported(failingTools)).toMatchObject({
      lines: [],
      left: [{ why: 'arguments of call_4 that are no JSON' }],
    })
  })

  test('has a turn whole that went on after a crash, its beginning from the opened session', async () => {
    const { lines } = await exported(resumedTurn)
    expect(lines.map(roles)).toEqual([['system', 'user', 'assistant', 'tool', 'tool', 'tool', 'assistant']])
  })

  test('has what a summary archived, not the summary', async () => {
    const { lines } = await exported(contextSummary)
    expect(JSON.stringify(lines)).toContain('I like blue.')
    expect(JSON.stringify(lines)).not.toContain('Summary of')
  })

  test('leaves the name of a tool off its message, which has no room for one', async () => {
    const [opened, ...rest] = turnOf('Hi', 'Hello.')
    const at = { session: 's', turn: 't', root: 't' }
    const call = { id: 'c', type: 'function', function: { name: 'x', arguments: '{}' } }
    const messages = [
      { id: 't/2', turn: 't', role: 'user', content: 'And?' },
      { id: 't/3', turn: 't', role: 'assistant', content: null, tool_calls: [call] },
      { id: 't/4', turn: 't', role: 'tool', tool_call_id: 'c', name: 'x', content: '1' },
      { id: 't/5', turn: 't', role: 'assistant', content: 'One.' },
    ]
    const more = [
      {
        kind: 'command',
        type: 'session.append',
        id: 't.8',
        cause: 't',
        ...at,
        data: { messages, version: 2 },
      },
      {
        kind: 'result',
        type: 'session.append',
        of: 't.8',
        cause: 't',
        ...at,
        ms: 1,
        status: 'ok',
        output: {},
      },
      {
        kind: 'command',
        type: 'session.commit',
        id: 't.9',
        ...at,
        data: { turn: 't', status: 'ok', version: 3 },
      },
      { kind: 'result', type: 'session.commit', of: 't.9', ...at, ms: 1, status: 'ok', output: {} },
    ]
    const records = [opened, ...rest, ...journalOf(more).slice(1)].filter((one) => one !== undefined)
    const line = Line.parse(JSON.parse(await whole(exportOpenai(records))))
    expect(roles(line)).toEqual(['user', 'assistant', 'user', 'assistant', 'tool', 'assistant'])
  })

  test('refuses options that there are not', () => {
    const options = JSON.parse('{"per":"message"}')
    expect(() => exportOpenai([], options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
