import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApp, defineEvent, defineTool, jsonlJournal, MessageBus, scriptedProvider } from 'busline'
import { forkRun, lineOf, sessionsIn, verifyJournal, type ForkOptions } from 'busline/journal'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { expectValidHistory } from '../slow/fixtures/valid-history.ts'
import { faultsIn, folderForFile, goOn, recordRun, recordsOf, THREE_CALLS } from './fixtures/three-tools.ts'

const folder = folderForFile()
let parent: Awaited<ReturnType<typeof recordRun>>
let bytes: Buffer

beforeAll(async () => {
  parent = await recordRun(folder, { others: [] })
  bytes = readFileSync(parent.journal)
})

/** The line of the nth record of this kind and type, from 1. */
function line(kind: string, type: string, nth = 1): number {
  const found = parent.records.filter((record) => record.kind === kind && record.type === type)[nth - 1]
  if (!found) throw new Error(`There is no ${kind} of ${type}.`)
  return found.seq + 1
}

let forks = 0
/** Forks the run into files of its own. */
function fork(options: Omit<ForkOptions, 'to'>, from = parent.journal) {
  const to = join(folder, `fork-${forks++}.jsonl`)
  return forkRun(from, { sessions: to.replace('.jsonl', '-sessions'), ...options, to })
}

describe('a fork at each line of a run with three parallel tools', () => {
  test('close: verifies, has no open command, and sessions whose history every server takes', async () => {
    for (let at = 1; at <= parent.records.length; at++) {
      const { path, run, sessions, closed, open, sessionsDir } = await fork({ at })
      const records = await recordsOf(path)
      expect(records.slice(1, at)).toEqual(parent.records.slice(1, at))
      expect(records[0]?.data).toMatchObject({ run, parent: { seq: at - 1, file: 'parent.jsonl' } })
      expect(await verifyJournal(path), `line ${at}`).toMatchObject({
        ok: true,
        findings: [],
        unfinished: 0,
        run,
      })
      expect(open).toEqual([])
      expect(await sessionsIn(records)).toEqual(sessions)
      const ended = new Set(closed.map(({ id }) => id))
      for (const { id } of closed) {
        const above = [...ended].find((other) => id.startsWith(`${other}.`))
        const isLast =
          above === undefined ||
          closed.findIndex((one) => one.id === above) > closed.findIndex((one) => one.id === id)
        expect(isLast, `line ${at}: ${id} before ${above}`).toBe(true)
      }
      for (const { id, messages, openTurn } of sessions.values()) {
        expect(faultsIn(messages), `line ${at}`).toEqual([])
        expect(openTurn).toBeUndefined()
        const file: unknown = JSON.parse(readFileSync(join(sessionsDir ?? '', `${id}.json`), 'utf8'))
        expect(file).toEqual(JSON.parse(JSON.stringify(sessions.get(id))))
      }
    }
    expect(readFileSync(parent.journal).equals(bytes)).toBe(true)
  })

  test('keep: goes on to an end, with the tools live that had not ended', async () => {
    const live: Record<number, number> = {}
    const results = [1, 2, 3].map((nth) => line('result', 'tool.call', nth))
    // Each line of golden runs is a slow check.
    const places = [line('command', 'session.append'), ...results, line('result', 'model.call', 2)]
    for (const at of places) {
      const forked = await fork({ at, openCalls: 'keep' })
      expect(await verifyJournal(forked.path), `line ${at}`).toMatchObject({
        ok: true,
        unfinished: forked.open.length,
      })
      const session = forked.sessions.get('trip')
      const hasAsked = session?.messages.some(({ tool_calls }) => tool_calls) === true
      const { app, requests, calls } = goOn(forked, [...(hasAsked ? [] : [THREE_CALLS]), 'The end.', 'More.'])
      const chat = app.chat('trip')
      const turn = await chat.resume()
      expect(turn?.turn, `line ${at}`).toBe(session?.openTurn)
      await chat.send('And now?')
      for (const { messages } of requests) expect(faultsIn(messages), `line ${at}`).toEqual([])
      live[at] = calls.length
      await app.stop()

      const records = await recordsOf(forked.path)
      expect(records.some(({ type }) => type === 'bus.opened')).toBe(true)
      const after = (await sessionsIn(records)).get('trip')
      expectValidHistory(after?.messages ?? [])
      expect(after?.openTurn).toBeUndefined()
    }
    expect(results.map((at) => live[at])).toEqual([2, 1, 0])
    expect(readFileSync(parent.journal).equals(bytes)).toBe(true)
  })
})

describe('what a fork changes', () => {
  test('a tool’s result is what its session tells the model, in the place of the recorded one', async () => {
    const at = line('result', 'tool.call', 2)
    const forked = await fork({ at, openCalls: 'keep', set: { 'output.temperature': 99 } })
    const told = forked.sessions.get('trip')?.messages.filter(({ role }) => role === 'tool') ?? []
    expect(told.map(({ content }) => content)).toContainEqual(expect.stringContaining('"temperature":99'))
    expect((await recordsOf(forked.path))[at - 1]?.output).toMatchObject({ temperature: 99 })
  })

  test('the arguments of a call that had not ended are those of the model’s message too', async () => {
    const at = line('command', 'tool.call', 3)
    const forked = await fork({ at, openCalls: 'keep', set: { 'data.arguments.city': 'Lima' } })
    const calls = forked.sessions.get('trip')?.messages.findLast(({ tool_calls }) => tool_calls)?.tool_calls
    expect(calls?.map((call) => call.function.arguments)).toEqual([
      '{"city":"Paris"}',
      '{"city":"Rome"}',
      '{"city":"Lima"}',
    ])
  })

  test('a model’s answer that no append held yet is in the session', async () => {
    const at = line('result', 'model.call', 2)
    const forked = await fork({ at, openCalls: 'keep', set: { 'output.message.content': 'Snow.' } })
    expect(forked.sessions.get('trip')?.messages.at(-1)).toMatchObject({
      role: 'assistant',
      content: 'Snow.',
    })
    const { app, requests } = goOn(forked, [])
    expect(await app.chat('trip').resume()).toMatchObject({ reply: 'Snow.' })
    expect(requests).toEqual([])
    await app.stop()
  })

  test('model, prompt and context are those of the session, by a command of its own', async () => {
    const set = { model: 'other', systemPrompt: 'Rhyme.', 'context.mood': 'merry' }
    const forked = await fork({ at: line('command', 'model.call'), set })
    const { version } =
      (await sessionsIn(parent.records, { upTo: line('command', 'model.call') })).get('trip') ?? {}
    expect(forked.sessions.get('trip')).toMatchObject({
      model: 'other',
      systemPrompt: 'Rhyme.',
      context: { mood: 'merry' },
      version: (version ?? 0) + 2,
    })
    const update = (await recordsOf(forked.path)).find(({ type }) => type === 'session.update')
    expect(update).toMatchObject({
      session: 'trip',
      data: { model: 'other', patchContext: { mood: 'merry' } },
    })
  })

  test('what was said at the line, and in no session yet, is told with its change', async () => {
    const forked = await fork({
      at: line('command', 'chat.runTurn'),
      openCalls: 'keep',
      set: { 'data.text': 'Hello?' },
    })
    expect(forked.waiting).toMatchObject([{ session: 'trip', input: { text: 'Hello?' } }])
  })

  test.each([
    ['nothing', 1],
    ['data.__proto__.x', 1],
    ['output.a', 1],
    ['data.a.b.c', 1],
    ['model', 1],
    ['context', 'x'],
  ])('%s = %j is refused, naming it, and leaves no file', async (path, value) => {
    const before = readdirSync(folder)
    await expect(fork({ at: line('command', 'tool.call'), set: { [path]: value } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(path),
    })
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('a fork', () => {
  test('keeps the text of an answer that was arriving, as a partial message', async () => {
    const forked = await fork({ at: line('event', 'model.textReceived') })
    expect(forked.sessions.get('trip')?.messages.at(-1)).toMatchObject({
      role: 'assistant',
      content: 'Mild, warm, cold.',
      meta: { partial: true },
    })
  })

  test('stands alone: what stands beside its parent is copied beside it', async () => {
    const Noted = defineEvent('test.noted', { data: z.object({ text: z.string() }) })
    const path = join(folder, 'big.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    bus.publish(Noted, { text: 'x'.repeat(50_000) })
    await bus.stop()
    expect(existsSync(join(folder, 'big.blobs'))).toBe(true)
    const forked = await fork({ at: 2 }, path)
    expect(readdirSync(forked.path.replace('.jsonl', '.blobs'))).toEqual(
      readdirSync(join(folder, 'big.blobs')),
    )
    expect(await verifyJournal(forked.path)).toMatchObject({ ok: true })
    expect((await recordsOf(forked.path))[1]?.data).toEqual({ text: 'x'.repeat(50_000) })
  })

  test('has what its parent keeps beside the journal in its sessions too', async () => {
    const path = join(folder, 'long.jsonl')
    const long = (text: string): string => text.repeat(20_000)
    const read = defineTool({
      name: 'read',
      description: '',
      parameters: z.object({}),
      run: () => long('r'),
    })
    const steps = [{ toolCalls: [{ name: 'read', arguments: {} }] }, long('a')]
    const app = createApp({ provider: scriptedProvider(steps), tools: [read], journal: path })
    await app.chat('trip').send(long('u'))
    await app.stop()
    const records = await recordsOf(path)
    const whole = (await sessionsIn(records)).get('trip')?.messages.map(({ content }) => content)
    expect(whole).toEqual([long('u'), null, expect.stringContaining('rrr'), long('a')])
    const last = await fork({ at: records.length }, path)
    expect(last.sessions.get('trip')?.messages.map(({ content }) => content)).toEqual(whole)
    const ended = records.findIndex(({ kind, type }) => kind === 'result' && type === 'tool.call') + 1
    const early = await fork({ at: ended, openCalls: 'keep' }, path)
    expect(early.sessions.get('trip')?.messages.map(({ content }) => content)).toEqual(whole?.slice(0, 3))
  })

  test('refuses a parent that lacks a big value, naming its line, and leaves nothing', async () => {
    const Noted = defineEvent('test.noted', { data: z.object({ text: z.string() }) })
    const path = join(folder, 'lacking.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    bus.publish(Noted, { text: 'x'.repeat(50_000) })
    await bus.stop()
    rmSync(join(folder, 'lacking.blobs'), { recursive: true })
    const to = join(folder, 'lacking-fork.jsonl')
    await expect(forkRun(path, { at: 2, to })).rejects.toMatchObject({
      code: 'BLOB_MISSING',
      message: expect.stringContaining('Line 2 of '),
    })
    expect(existsSync(to)).toBe(false)
  })

  test('of a run that is being written, and ends in half a line, has the whole lines', async () => {
    const path = join(folder, 'live.jsonl')
    const app = createApp({ provider: scriptedProvider(['A.', 'B.']), journal: path })
    const chat = app.chat('trip')
    await chat.send('1')
    const at = (await recordsOf(path)).length
    writeFileSync(path, '{"seq":99,"ti', { flag: 'a' })
    const forked = await fork({ at }, path)
    expect(await verifyJournal(forked.path)).toMatchObject({ ok: true, findings: [] })
    await expect(fork({ at: at + 1 }, path)).rejects.toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
    await app.stop()
  })

  test('tells of a change that keeps a record from changing its session', async () => {
    const at = line('result', 'session.append')
    const problems: unknown[] = []
    const onProblem = (problem: unknown): void => void problems.push(problem)
    await fork({ at, onProblem })
    expect(problems).toEqual([])
    await fork({ at, onProblem, set: { 'output.version': 'x' } })
    expect(problems).toMatchObject([{ type: 'session.append' }])
  })

  test('of a run that went on after an interruption verifies at each line, and its sessions are whole', async () => {
    const first = await fork({ at: line('result', 'tool.call'), openCalls: 'keep' })
    const { app } = goOn(first, ['The end.'])
    await app.chat('trip').resume()
    await app.stop()
    const { length } = await recordsOf(first.path)
    for (let at = parent.records.length; at <= length; at += 3) {
      const forked = await fork({ at }, first.path)
      expect(await verifyJournal(forked.path), `line ${at}`).toMatchObject({ ok: true, unfinished: 0 })
      const session = forked.sessions.get('trip')
      expectValidHistory(session?.messages ?? [])
      expect(session?.openTurn).toBeUndefined()
      expect(forked.waiting).toEqual([])
    }
  })

  test('of a run that was killed while its store changed a session has the session as the next process found it', async () => {
    const killedAt = line('command', 'session.append')
    // The store had done it: only the result of the command was lost.
    const { sessionsDir } = await fork({ at: killedAt, openCalls: 'keep' })
    const path = join(folder, 'killed.jsonl')
    const lines = readFileSync(parent.journal, 'utf8').split('\n')
    writeFileSync(path, `${lines.slice(0, killedAt).join('\n')}\n`)
    const { app } = goOn({ path, sessionsDir }, [THREE_CALLS, 'The end.'])
    await app.chat('trip').resume()
    await app.stop()

    const records = await recordsOf(path)
    const opened = records.find(({ seq, kind, type }) => {
      return seq >= killedAt && kind === 'result' && type === 'session.open'
    })
    for (let at = (opened?.seq ?? 0) + 1; at <= records.length; at++) {
      const { sessions } = await fork({ at }, path)
      const ids = sessions.get('trip')?.messages.map(({ id }) => id) ?? []
      expect(ids, `line ${at}`).toEqual([...new Set(ids)])
    }
    const { sessions } = await fork({ at: records.length }, path)
    const file: unknown = JSON.parse(readFileSync(join(sessionsDir ?? '', 'trip.json'), 'utf8'))
    expect(JSON.parse(JSON.stringify(sessions.get('trip')))).toMatchObject({
      messages: Reflect.get(Object(file), 'messages'),
    })
  })

  test('of a run that went on does not wait for what was said to a process that is gone', async () => {
    const saidAt = line('command', 'chat.runTurn')
    const path = join(folder, 'said.jsonl')
    const lines = readFileSync(parent.journal, 'utf8').split('\n')
    writeFileSync(path, `${lines.slice(0, saidAt).join('\n')}\n`)
    expect((await fork({ at: saidAt }, path)).waiting).toHaveLength(1)
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    await bus.stop()

    expect((await fork({ at: saidAt + 1 }, path)).waiting).toEqual([])
  })

  test('of a run in segments, of which the first was deleted, is one file that says so', async () => {
    const Noted = defineEvent('test.noted', { data: z.object({ text: z.string() }) })
    const path = join(folder, 'row.jsonl')
    const journal = jsonlJournal(path, { rotate: { bytes: 2000 }, keep: { segments: 2 }, blobs: false })
    const bus = new MessageBus({ journal })
    for (let left = 40; left > 0; left--) await bus.publish(Noted, { text: 'x'.repeat(200) }).accepted
    await bus.stop()
    const records = await recordsOf(path)
    const forked = await fork({ at: (records.at(-1)?.seq ?? 0) + 1 }, path)
    expect((await recordsOf(forked.path)).slice(1)).toEqual(records.slice(1))
    const verified = await verifyJournal(forked.path)
    expect([verified.ok, verified.findings.map(({ kind }) => kind)]).toEqual([true, ['pruned']])
  })

  test('of a fork names that fork as its parent', async () => {
    const first = await fork({ at: 20 })
    const second = await fork({ at: 10 }, first.path)
    expect(second.parent).toMatchObject({ run: first.run, seq: 9 })
    expect(await verifyJournal(second.path)).toMatchObject({ ok: true })
  })

  test('is never written over anything', async () => {
    const there = await fork({ at: 5 })
    const before = readFileSync(there.path)
    await expect(forkRun(parent.journal, { at: 6, to: there.path })).rejects.toMatchObject({
      code: 'FILE_FAILED',
    })
    await expect(forkRun(parent.journal, { at: 6, to: parent.journal })).rejects.toMatchObject({
      code: 'FILE_FAILED',
    })
    expect(readFileSync(there.path).equals(before)).toBe(true)
  })

  test('whose sessions would be written over others is no fork, and leaves no journal', async () => {
    const path = join(folder, 'two.jsonl')
    const app = createApp({ provider: scriptedProvider(['A.', 'B.']), journal: path })
    await app.chat('first').send('1')
    await app.chat('second').send('2')
    await app.stop()
    const { length } = await recordsOf(path)
    const early = await fork({ at: length - 8 }, path)
    const sessions = early.sessionsDir ?? ''
    rmSync(join(sessions, 'first.json'))
    const before = readdirSync(sessions)
    const to = join(folder, 'none.jsonl')
    await expect(forkRun(path, { at: length, to, sessions })).rejects.toMatchObject({
      code: 'FILE_FAILED',
      data: { session: 'second' },
    })
    expect(existsSync(to)).toBe(false)
    expect(readdirSync(sessions)).toEqual(before)
  })

  test('at a line that there is not is refused with the number of lines', async () => {
    await expect(fork({ at: 9999 })).rejects.toMatchObject({
      code: 'MESSAGE_NOT_IN_RUN',
      data: { lines: parent.records.length },
    })
    await expect(fork({ at: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('gives no file to an id that can name none', async () => {
    const path = join(folder, 'hostile.jsonl')
    const session = {
      ...Object.fromEntries((await sessionsIn(parent.records)).entries())['trip'],
      id: '../evil',
    }
    const lines = [
      { v: 1, seq: 0, time: 1, kind: 'header', type: 'busline.journal', data: { run: 'r' } },
      { seq: 1, time: 1, kind: 'command', type: 'session.open', id: 'r-1', root: 'r-1', data: {} },
      {
        seq: 2,
        time: 1,
        kind: 'result',
        type: 'session.open',
        of: 'r-1',
        root: 'r-1',
        status: 'ok',
        output: session,
      },
    ]
    writeFileSync(path, lines.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const forked = await fork({ at: 3 }, path)
    expect(forked.refused).toEqual(['../evil'])
    expect(existsSync(join(folder, 'evil.json'))).toBe(false)
  })

  test('of a run without an engine copies its lines and cancels what was open', async () => {
    const path = join(folder, 'plain.jsonl')
    const lines = [
      { v: 1, seq: 0, time: 1, kind: 'header', type: 'busline.journal', data: {} },
      { seq: 1, time: 1, kind: 'command', type: 'people.greet', id: 'r-1', root: 'r-1', data: 7 },
      { seq: 2, time: 2, kind: 'strange', type: 'people.greet' },
    ]
    writeFileSync(path, lines.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const forked = await fork({ at: 3 }, path)
    expect(forked).toMatchObject({ parent: { run: null }, closed: [{ id: 'r-1', type: 'people.greet' }] })
    expect((await recordsOf(forked.path)).at(-1)).toMatchObject({ of: 'r-1', status: 'cancelled', seq: 3 })
  })
})

describe('lineOf', () => {
  test('finds a message by its id, or by a beginning that no other has', async () => {
    const { id = '', seq } = parent.records.findLast(({ kind }) => kind === 'event') ?? { seq: 0 }
    expect(await lineOf(parent.journal, id)).toBe(seq + 1)
    await expect(lineOf(parent.journal, id.slice(0, 4))).rejects.toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
    await expect(lineOf(parent.journal, 'nobody')).rejects.toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
  })
})
