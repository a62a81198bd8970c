import { findMessage, whyOf, type JournalRecord, type Why } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import { batchOf, recordsOf } from './fixtures/records.ts'

const failure = { code: 'TIMED_OUT', name: 'BuslineError', message: 'late' }
const at = (id: string, cause?: string): Partial<JournalRecord> => ({
  id,
  root: 't',
  turn: 't',
  ...(cause !== undefined && { cause }),
})
const end = (of: string, status = 'ok', more: object = {}): Partial<JournalRecord> => ({
  of,
  root: 't',
  status,
  ms: 5,
  ...more,
})

const RUN = recordsOf(
  { kind: 'header', type: 'busline.journal' },
  { kind: 'command', type: 'chat.runTurn', ...at('t'), data: {} },
  { kind: 'command', type: 'model.call', ...at('t.1', 't'), data: { model: 'm1', messages: [null, 't/0'] } },
  {
    kind: 'result',
    type: 'model.call',
    ...end('t.1'),
    output: { message: { role: 'assistant', tool_calls: [{ id: 'c9' }] } },
  },
  {
    kind: 'command',
    type: 'tool.call',
    ...at('t.2', 't'),
    data: { call: 'c9', name: 'look_up', arguments: {} },
  },
  { kind: 'command', type: 'shop.read', ...at('t.2.1', 't.2'), data: {} },
  { kind: 'result', type: 'shop.read', ...end('t.2.1', 'timeout'), error: failure },
  {
    kind: 'result',
    type: 'tool.call',
    ...end('t.2', 'error'),
    error: { code: 'HANDLER_FAILED', name: 'Error', message: 'no', cause: failure },
  },
  { kind: 'event', type: 'shop.closed', ...at('t.3', 't'), data: {} },
  { kind: 'command', type: 'mail.send', ...at('t.3.1', 't.3'), data: {} },
  { kind: 'result', type: 'chat.runTurn', ...end('t'), output: {} },
  { kind: 'command', type: 'other.one', id: 't2', root: 't2', data: {} },
)

async function whyIn(records: readonly JournalRecord[], wanted: string): Promise<Why> {
  const why = await whyOf(batchOf(records), await findMessage(batchOf(records), wanted))
  if (!why) throw new Error('It is not there.')
  return why
}

describe('why', () => {
  test('names the causes from the first down, and the effects, each before its own', async () => {
    const { message, causes, effects } = await whyIn(RUN, 't.3')

    expect(causes.map(({ id, line }) => [id, line])).toEqual([['t', 2]])
    expect(message).toMatchObject({ id: 't.3', kind: 'event', line: 9, status: null })
    expect(effects).toMatchObject([{ id: 't.3.1', depth: 1, status: 'interrupted' }])
    expect((await whyIn(RUN, 't')).effects.map(({ id, depth }) => [id, depth])).toEqual([
      ['t.1', 1],
      ['t.2', 1],
      ['t.2.1', 2],
      ['t.3', 1],
      ['t.3.1', 2],
    ])
  })

  test('names the model call whose answer asked for a tool call, and what a model call was sent', async () => {
    expect((await whyIn(RUN, 't.2')).askedBy).toMatchObject({ id: 't.1', line: 3, name: 'm1', endLine: 4 })
    expect((await whyIn(RUN, 't.1')).sent).toEqual([null, 't/0'])
  })

  test('tells where a failure began, what it ended, and what it did not', async () => {
    for (const id of ['t.2', 't.2.1']) {
      expect((await whyIn(RUN, id)).failure).toMatchObject({
        began: { id: 't.2.1', error: { code: 'TIMED_OUT' } },
        ended: [{ id: 't.2', error: { code: 'HANDLER_FAILED' } }],
        stoppedBy: { id: 't', status: 'ok' },
      })
    }
    expect((await whyIn(RUN, 't.1')).failure).toBeNull()
  })

  test('takes the line of a result for its command', async () => {
    expect(await whyIn(RUN, '8')).toMatchObject({ message: { id: 't.2', line: 5 }, resultLine: 8 })
    expect(await whyIn(RUN, 'line:5')).toMatchObject({ message: { id: 't.2' }, resultLine: null })
  })

  test('knows an effect whose line comes before that of its cause', async () => {
    const records = recordsOf(
      { kind: 'command', type: 'x', id: 'b', cause: 'a', root: 'r' },
      { kind: 'event', type: 'model.textReceived', id: 'a', cause: 'r', root: 'r' },
    )

    expect((await whyIn(records, 'a')).effects).toMatchObject([{ id: 'b' }])
    expect((await whyIn(records, 'b')).causes).toMatchObject([{ id: 'a' }])
  })

  test('ends where damaged records cause each other in a circle', async () => {
    const records = recordsOf(
      { kind: 'command', type: 'x', id: 'a', cause: 'b' },
      { kind: 'command', type: 'x', id: 'b', cause: 'a' },
    )

    expect(await whyIn(records, 'a')).toMatchObject({
      causes: [{ id: 'b' }],
      effects: [{ id: 'b', depth: 1 }],
    })
  })

  test('works on a header and on a note, which have no id', async () => {
    expect((await whyIn(RUN, '1')).message).toMatchObject({ kind: 'header', id: null, line: 1 })
    const note = recordsOf(
      { kind: 'event', type: 'x', id: 'a', root: 'a' },
      { kind: 'note', type: 'bus.dropped', cause: 'a', root: 'a' },
    )
    expect(await whyIn(note, '2')).toMatchObject({ message: { kind: 'note' }, causes: [{ id: 'a' }] })
  })

  test('leaves out notes of times that were read, unless one is asked about', async () => {
    const run = recordsOf(
      { kind: 'command', type: 'x', id: 'a', root: 'a' },
      { kind: 'note', type: 'bus.timeRead', cause: 'a', root: 'a' },
      { kind: 'note', type: 'bus.dropped', cause: 'a', root: 'a' },
    )
    expect((await whyIn(run, 'a')).effects.map(({ type }) => type)).toEqual(['bus.dropped'])
    expect((await whyIn(run, '2')).message).toMatchObject({ type: 'bus.timeRead' })
  })
})

describe('a message is found', () => {
  test('by its id before the beginning of others, and by a beginning that only one id has', async () => {
    expect(await findMessage(batchOf(RUN), 't.2')).toMatchObject({ line: 5, root: 't' })
    expect(await findMessage(batchOf(RUN), 't.3.')).toMatchObject({ line: 10 })
  })

  test.each<[string, RegExp]>([
    ['nothing', /No message .* begins with "nothing"/],
    ['t.', /begins more than one id: t\.1, t\.2, t\.2\.1, t\.3, t\.3\.1\. Give more/],
    ['99', /no line 99: the run has lines 1 to 12/],
    ['', /No message/],
  ])('not by %j', async (wanted, why) => {
    await expect(findMessage(batchOf(RUN), wanted)).rejects.toMatchObject({
      code: 'MESSAGE_NOT_IN_RUN',
      message: expect.stringMatching(why),
    })
  })

  test('not by the line of a result whose command is gone', async () => {
    const records = recordsOf({ kind: 'result', type: 'x', of: 'gone', status: 'ok' })

    await expect(findMessage(batchOf(records), '1')).rejects.toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
  })
})
