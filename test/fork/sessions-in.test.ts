import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
  jsonFileSessions,
  OpenSession,
  UpdateSession,
  type HistoryEdit,
} from 'busline'
import { sessionsIn, type JournalRecord, type SessionProblem } from 'busline/journal'
import { testBus } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { folderForFile } from './fixtures/three-tools.ts'

const folder = folderForFile()

const text = fc.string({ maxLength: 6 })
const ids = fc.constantFrom('a', 'b', 'c')
const message = fc.record(
  {
    role: fc.constantFrom('user', 'assistant', 'tool'),
    content: fc.oneof(text, fc.constant(null)),
    id: ids,
    turn: fc.constantFrom('t1', 't2'),
  },
  { requiredKeys: ['role'] },
)
const messages = fc.array(message, { maxLength: 3 })
const edit: fc.Arbitrary<HistoryEdit> = fc.oneof(
  fc.record({ op: fc.constant('mark'), ids: fc.tuple(ids), meta: fc.constant({ pinned: true }) }),
  fc.record({ op: fc.constant('update'), id: ids, set: fc.record({ content: text }) }),
  fc.record({ op: fc.constant('insert'), after: fc.option(ids), messages }),
  fc.record({ op: fc.constant('delete'), ids: fc.tuple(ids) }),
)
const field = fc.option(text, { freq: 3 })
const set = fc.record(
  {
    name: field,
    model: field,
    systemPrompt: field,
    context: fc.dictionary(fc.constantFrom('x', 'y'), text),
    patchContext: fc.dictionary(fc.constantFrom('x', 'y'), field),
    messages,
  },
  { requiredKeys: [] },
)
const step = fc.record({
  session: fc.constantFrom('one', 'two'),
  turn: fc.constantFrom('t1', 't2'),
  wrongVersion: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constant(1)),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: messages, begins: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ edits: fc.array(edit, { minLength: 1, maxLength: 2 }) }) },
    { weight: 3, arbitrary: fc.record({ set }) },
    { weight: 3, arbitrary: fc.constant('commit' as const) },
    { weight: 1, arbitrary: fc.constantFrom('close' as const, 'delete' as const) },
  ),
})
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** Runs a script on session files and a journal; the files are folded at its end. */
async function run(dir: string, steps: readonly Step[]): Promise<JournalRecord[]> {
  const { bus, clock, journal } = testBus()
  bus.attach(jsonFileSessions(dir))
  for (const { session: id, turn, wrongVersion, what } of steps) {
    const session = bus.session(id)
    const { version: current } = await session.execute(OpenSession, { model: 'm' })
    await clock.advance(7)
    const version = current + wrongVersion
    const attempt = async (): Promise<unknown> => {
      if (what === 'commit') return await session.execute(CommitTurn, { turn, status: 'ok', version })
      if (what === 'close') return await session.execute(CloseSession, {})
      if (what === 'delete') return await session.execute(DeleteSession, { id })
      if ('edits' in what) return await session.execute(EditMessages, { edits: what.edits, version })
      if ('set' in what) return await session.execute(UpdateSession, { ...what.set, version })
      const first = what.begins ? [{ role: 'user' as const, id: `${turn}/0` }] : []
      return await session.execute(
        AppendMessages,
        { messages: [...first, ...what.append], version },
        { turn },
      )
    }
    // What is refused is recorded as such, and changes nothing.
    await attempt().catch(() => undefined)
  }
  await bus.stop()
  return journal.records
}

function fileOf(dir: string, id: string): unknown {
  return JSON.parse(readFileSync(join(dir, `${id}.json`), 'utf8'))
}

test('the records of any script rebuild what the files of the store hold, times and open turns included', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const dir = join(folder, `run-${runs++}`)
      const problems: SessionProblem[] = []
      const rebuilt = await sessionsIn(await run(dir, steps), {
        onProblem: (problem) => problems.push(problem),
      })
      expect(problems).toEqual([])
      const last = new Map(steps.map(({ session, what }) => [session, what]))
      expect([...rebuilt.keys()].toSorted()).toEqual(
        [...last].flatMap(([id, what]) => (what === 'delete' ? [] : [id])).toSorted(),
      )
      for (const [id, session] of rebuilt)
        expect(JSON.parse(JSON.stringify(session))).toEqual(fileOf(dir, id))
    }),
    { numRuns: 25 },
  )
})

const record = (seq: number, fields: Partial<JournalRecord>): JournalRecord => ({
  seq,
  time: seq,
  kind: 'command',
  type: 'session.append',
  ...fields,
})
const opened = (seq: number, output: unknown): JournalRecord[] => [
  record(seq, { type: 'session.open', id: `o${seq}`, data: {} }),
  record(seq + 1, { kind: 'result', type: 'session.open', of: `o${seq}`, status: 'ok', output }),
]
const session = {
  v: 1,
  id: 's',
  name: null,
  version: 1,
  model: null,
  systemPrompt: null,
  createdAt: 0,
  updatedAt: 0,
  context: {},
  messages: [],
}
const change = (seq: number, id: string, type: string, data: unknown) =>
  record(seq, { type, id, session: 's', data })
const done = (seq: number, of: string, type: string, version: number) =>
  record(seq, { kind: 'result', type, of, session: 's', status: 'ok', output: { version } })

describe('sessionsIn', () => {
  test('takes changes in the order of their versions, whatever the order of their results', async () => {
    const records = [
      ...opened(0, session),
      change(2, 'u1', 'session.update', { name: 'first' }),
      change(3, 'u2', 'session.update', { name: 'second' }),
      done(4, 'u2', 'session.update', 3),
      done(5, 'u1', 'session.update', 2),
    ]
    const problems: SessionProblem[] = []
    const rebuilt = await sessionsIn(records, { onProblem: (problem) => problems.push(problem) })
    expect(rebuilt.get('s')).toMatchObject({ version: 3, name: 'second' })
    expect(problems).toEqual([])
  })

  test('does not append again what the session held already when it was opened', async () => {
    const messages = [{ id: 'a', role: 'user', content: 'hi' }]
    const records = [
      ...opened(0, session),
      change(2, 'a1', 'session.append', { messages, version: 1 }),
      ...opened(3, { ...session, messages }),
      done(5, 'a1', 'session.append', 1),
    ]
    expect((await sessionsIn(records)).get('s')?.messages).toHaveLength(1)
  })

  test('applies what comes behind a gap, and tells of it', async () => {
    const records = [
      ...opened(0, session),
      change(2, 'u', 'session.update', { name: 'late' }),
      done(3, 'u', 'session.update', 9),
    ]
    const problems: SessionProblem[] = []
    const rebuilt = await sessionsIn(records, { onProblem: (problem) => problems.push(problem) })
    expect(rebuilt.get('s')).toMatchObject({ version: 9, name: 'late' })
    expect(problems).toMatchObject([{ seq: 2, type: 'session.update' }])
  })

  test('counts lines up to the one given', async () => {
    const records = [
      ...opened(0, session),
      change(2, 'u', 'session.update', { name: 'n' }),
      done(3, 'u', 'session.update', 2),
    ]
    expect((await sessionsIn(records, { upTo: 3 })).get('s')?.name).toBeNull()
    expect((await sessionsIn(records, { upTo: 4 })).get('s')?.name).toBe('n')
  })

  test('survives records of any shape, and ids that name parts of an object', async () => {
    const any = fc.jsonValue({ maxDepth: 3 })
    const kind = fc.constantFrom('command', 'result', 'event', 'note')
    const type = fc.constantFrom(
      'session.open',
      'session.append',
      'session.edit',
      'session.delete',
      'session.commit',
    )
    const id = fc.constantFrom('__proto__', 'constructor', 'x', '')
    const strange = fc.record(
      { kind, type, id, of: id, session: id, status: fc.constant('ok'), data: any, output: any },
      { requiredKeys: ['kind', 'type'] },
    )
    const hostile = opened(0, { ...session, id: '__proto__' })
    await fc.assert(
      fc.asyncProperty(fc.array(strange), async (fields) => {
        const parsed = z.array(z.looseObject({})).parse(fields)
        const records = [...hostile, ...parsed.map((one, place) => record(place + 2, one))]
        const rebuilt = await sessionsIn(records)
        expect(rebuilt.has('__proto__')).toBe(true)
      }),
    )
  })
})
