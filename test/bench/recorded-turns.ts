import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FLUSH_AT = 1024 * 1024

/**
 * A journal of so many lines, about 400 bytes each, in the shape of chat turns with one tool call. Made once and kept in the
 * system's temporary folder: a million lines are 400 MB.
 */
export function recordedTurns(lines: number): string {
  const path = join(tmpdir(), `busline-bench-${lines}-turns.jsonl`)
  if (statSync(path, { throwIfNoEntry: false })) return path
  const draft = `${path}.${process.pid}`
  const file = openSync(draft, 'w', 0o600)
  let text = `{"v":1,"seq":0,"time":1795000000000,"kind":"header","type":"busline.journal","data":{"run":"bench","busline":"0.0.0","node":"v0","pid":1}}\n`
  let seq = 1
  for (let turn = 1; seq < lines; turn++) {
    for (const record of turnRecords(turn)) {
      if (seq === lines) break
      text += `${JSON.stringify({ seq, time: 1795000000000 + seq, ...record })}\n`
      seq++
    }
    if (text.length < FLUSH_AT) continue
    writeSync(file, text)
    text = ''
  }
  writeSync(file, text)
  closeSync(file)
  renameSync(draft, path)
  return path
}

const FILLER = 'It is mild by the river, and the wind comes from the west. '

/** The records of one turn in their order, without `seq` and `time`. */
function turnRecords(number: number): object[] {
  const root = `bench-${number}`
  const session = `s${number % 50}`
  const of = { session, turn: root, cause: root, root }
  const said = `Turn ${number}: 27 °C in Paris. ${FILLER.repeat(3)}`
  const usage = { inputTokens: 400 + (number % 100), outputTokens: 20, totalTokens: 420 + (number % 100) }
  const history = Array.from({ length: 8 }, (_, index) => `bench-${Math.max(1, number - index)}/0`)
  const asked = {
    model: 'gpt-4o-mini',
    messages: history,
    hash: `sha256-${'0'.repeat(64)}`,
    tools: ['get_weather'],
  }
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'get_weather', arguments: '{"location":"Paris"}' },
  }
  const command = (ordinal: number, type: string, data: unknown): object => ({
    kind: 'command',
    type,
    id: `${root}.${ordinal}`,
    ...of,
    data,
  })
  const result = (ordinal: number, type: string, output: unknown): object => ({
    kind: 'result',
    type,
    of: `${root}.${ordinal}`,
    ...of,
    ms: ordinal * 3.25,
    status: 'ok',
    by: 'handler',
    output,
  })
  const message = (role: string, content: string): object => ({ id: `${root}/0`, turn: root, role, content })
  return [
    {
      kind: 'command',
      type: 'chat.runTurn',
      id: root,
      session,
      turn: root,
      root,
      data: { text: FILLER.repeat(4) },
    },
    command(1, 'session.append', { messages: [message('user', FILLER.repeat(3))], version: number }),
    result(1, 'session.append', { version: number + 1 }),
    command(2, 'model.call', asked),
    result(2, 'model.call', {
      message: { role: 'assistant', content: null, tool_calls: [call] },
      finishReason: 'tool_calls',
      usage,
      model: 'gpt-4o-mini-2024-07-18',
      cost: 0.00012,
    }),
    command(3, 'tool.call', { call: 'call_1', name: 'get_weather', arguments: { location: 'Paris' } }),
    result(3, 'tool.call', { location: 'Paris', temperature: 27, conditions: FILLER.repeat(2) }),
    command(4, 'model.call', asked),
    {
      kind: 'event',
      type: 'model.textReceived',
      id: `${root}.4.1`,
      session,
      turn: root,
      cause: `${root}.4`,
      root,
      data: { deltas: said.split(' ').map((word, index) => [index * 2, `${word} `]) },
    },
    result(4, 'model.call', {
      message: { role: 'assistant', content: said },
      finishReason: 'stop',
      usage,
      model: 'gpt-4o-mini-2024-07-18',
      cost: 0.00012,
    }),
    command(5, 'session.append', { messages: [message('assistant', said)], version: number + 1 }),
    result(5, 'session.append', { version: number + 2 }),
    {
      kind: 'result',
      type: 'chat.runTurn',
      of: root,
      session,
      turn: root,
      root,
      ms: 321.5,
      status: 'ok',
      output: { turn: root, reply: said, finishReason: 'stop', toolCalls: [], usage: { ...usage, calls: 2 } },
    },
  ]
}
