import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MessageBus } from '../../src/bus/message-bus.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
  ListSessions,
  OpenSession,
  UpdateSession,
  type Session,
} from '../../src/messages/session.ts'
import { jsonFileSessions } from '../../src/sessions/json-file-sessions.ts'
import { testBus } from '../../src/testing/test-bus.ts'
import { busWith, temporaryDir } from './session-bus.ts'

const CHILD = fileURLToPath(new URL('session-child.ts', import.meta.url))

const user = (content: string) => ({ role: 'user', content }) as const

/** A store in a new folder, with session `a` open, and paths in that folder. */
async function openA(given: { name?: string } = {}) {
  const dir = temporaryDir()
  const bus = busWith(jsonFileSessions(dir))
  await bus.execute(OpenSession, { id: 'a', ...given })
  return { dir, bus, ...pathsIn(dir), append: appenderOf(bus) }
}

function pathsIn(dir: string) {
  return { json: join(dir, 'a.json'), tail: join(dir, 'a.tail.jsonl'), lock: join(dir, 'a.lock') }
}

function appenderOf(bus: MessageBus) {
  return (content: string, version = 1): Promise<{ version: number }> =>
    bus.session('a').execute(AppendMessages, { messages: [user(content)], version })
}

/** The session as a process finds it that opens these files after a crash: on a copy, and without a lock. */
async function afterCrash(dir: string, id = 'a'): Promise<Session> {
  const copy = temporaryDir()
  cpSync(dir, copy, { recursive: true, preserveTimestamps: true, filter: (path) => !path.endsWith('.lock') })
  const bus = busWith(jsonFileSessions(copy))
  const session = await bus.execute(OpenSession, { id })
  await bus.stop()
  return session
}

function contentsOf({ messages }: Session): unknown[] {
  return messages.map(({ content }) => content)
}

function linesOf(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
}

/** A history that is replaced goes into the JSON file, and the tail is removed until the next change. */
async function letGoOfTail(bus: MessageBus): Promise<void> {
  const { messages } = await bus.execute(OpenSession, { id: 'a' })
  await bus.session('a').execute(UpdateSession, { messages })
}

describe('the files', () => {
  test('the JSON file is written at once, with exactly these keys in this order, one a line', async () => {
    const { json } = await openA({ name: 'n' })

    expect(readFileSync(json, 'utf8')).toBe(
      `{
 "v": 1,
 "id": "a",
 "name": "n",
 "version": 1,
 "model": null,
 "systemPrompt": null,
 "createdAt": 2,
 "updatedAt": 2,
 "context": {},
 "messages": []
}
`,
    )
  })

  test('each change is one line of the tail that says what it follows on', async () => {
    const { bus, tail } = await openA()
    const session = bus.session('a')

    await session.execute(AppendMessages, { messages: [user('x')], version: 1 }, { turn: 't' })
    await session.execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })
    await session.execute(UpdateSession, { name: 'n' })
    await session.execute(UpdateSession, { patchContext: { k: null } })
    const edits = [{ op: 'mark' as const, ids: ['id0-2/0'], meta: { archived: true } }]
    await session.execute(EditMessages, { edits })

    expect(linesOf(tail)).toEqual([
      {
        at: 0,
        from: 1,
        time: expect.any(Number),
        turn: 't',
        messages: [{ id: 'id0-2/0', turn: 't', role: 'user', content: 'x' }],
      },
      { from: 1, version: 2, time: expect.any(Number), turn: 't', status: 'ok' },
      { from: 2, version: 3, time: expect.any(Number), set: { name: 'n' } },
      { from: 3, version: 4, time: expect.any(Number), set: { patchContext: { k: null } } },
      { from: 4, version: 5, time: expect.any(Number), edits },
    ])
  })

  test('closing leaves the JSON file alone in the folder, and it holds everything', async () => {
    const { bus, dir, json, append } = await openA()
    await append('x')
    const live = await bus.execute(OpenSession, { id: 'a' })

    await bus.session('a').execute(CloseSession, {})

    expect(readdirSync(dir)).toEqual(['a.json'])
    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(live)
  })

  test('closing a session that was not changed does not write it', async () => {
    const { bus, json } = await openA()
    const before = statSync(json).ino

    await bus.session('a').execute(CloseSession, {})

    expect(statSync(json).ino).toBe(before)
  })

  test('the folder is made with mode 0700, files with 0600', async () => {
    const dir = join(temporaryDir(), 'deep', 'sessions')
    const bus = busWith(jsonFileSessions(dir))
    await bus.execute(OpenSession, { id: 'a' })
    await appenderOf(bus)('x')

    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
    expect(modeOf(dir)).toBe('700')
    expect(Object.values(pathsIn(dir)).map(modeOf)).toEqual(['600', '600', '600'])
    await bus.session('a').execute(CloseSession, {})
    expect(modeOf(pathsIn(dir).json)).toBe('600')
  })

  test('the 256th line folds the tail into the JSON file, and again the 512th', async () => {
    const { json, tail, append } = await openA()
    const stored = () => JSON.parse(readFileSync(json, 'utf8')).messages.length

    for (let count = 1; count <= 600; count++) {
      await append(String(count))
      const folded = count - (count % 256)
      if (![1, 255, 256, 257, 511, 512, 513, 600].includes(count)) continue
      expect(stored()).toBe(folded)
      expect(existsSync(tail) ? linesOf(tail).length : 0).toBe(count - folded)
    }
  })

  test('a fold comes at once when the history is replaced', async () => {
    const { bus, json, tail, append } = await openA()
    await append('old')

    await bus.session('a').execute(UpdateSession, { messages: [user('new')] })

    expect(existsSync(tail)).toBe(false)
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ version: 2, messages: [user('new')] })
  })

  test('an append to 10 000 messages writes its own line only', async () => {
    const { bus, json, tail, append } = await openA()
    const messages = Array.from({ length: 10_000 }, () => user('x'))
    await bus.session('a').execute(UpdateSession, { messages })
    const before = statSync(json)

    await append('x', 2)
    const first = statSync(tail).size
    await append('x', 2)

    expect(first).toBeLessThan(200)
    expect(statSync(tail).size).toBe(2 * first)
    expect(statSync(json)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  })
})

describe('an edit', () => {
  test('of 10 000 messages writes its own line only', async () => {
    const { bus, json, tail } = await openA()
    const messages = Array.from({ length: 10_000 }, (_, index) => ({ ...user('x'), id: `m${index}` }))
    await bus.session('a').execute(UpdateSession, { messages })
    const before = statSync(json)

    const edits = [{ op: 'mark' as const, ids: ['m7'], meta: { purged: true } }]
    await bus.session('a').execute(EditMessages, { edits })

    expect(statSync(tail).size).toBeLessThan(200)
    expect(statSync(json)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  })

  test('that finds no space changes nothing', async () => {
    const { bus, tail, append } = await openA()
    await append('x')
    await letGoOfTail(bus)
    const before = await bus.execute(OpenSession, { id: 'a' })
    symlinkSync('/dev/full', tail)

    const edits = [{ op: 'delete' as const, ids: before.messages.flatMap(({ id }) => id ?? []) }]
    await expect(bus.session('a').execute(EditMessages, { edits })).rejects.toMatchObject({ code: 'FILE_FAILED' })
    expect(await bus.execute(OpenSession, { id: 'a' })).toEqual(before)
  })

  test('whose line outlived its fold is skipped, a deletion too', async () => {
    const { bus, dir, tail, append } = await openA()
    for (const content of ['x', 'y', 'z']) await append(content)
    const { messages } = await bus.execute(OpenSession, { id: 'a' })
    const ids = messages.flatMap(({ id }) => id ?? []).slice(0, 2)
    await bus.session('a').execute(EditMessages, { edits: [{ op: 'delete', ids }] })
    await append('more', 2)
    const stale = readFileSync(tail)
    await bus.session('a').execute(CloseSession, {})
    writeFileSync(tail, stale)

    expect(contentsOf(await afterCrash(dir))).toEqual(['z', 'more'])
  })

  test('that names a message by a secret is written as a whole, and reads again', async () => {
    const dir = temporaryDir()
    const bus = busWith(jsonFileSessions(dir))
    await bus.execute(OpenSession, { id: 'a' })
    const session = bus.session('a')
    const messages = [{ ...user('x'), id: 'pass-12345678' }]
    await session.execute(AppendMessages, { messages, version: 1 })
    await session.execute(CloseSession, {})
    await session.execute(OpenSession, {})
    bus.secret('12345678')

    const edits = [{ op: 'mark' as const, ids: ['pass-12345678'], meta: { pinned: true } }]
    await session.execute(EditMessages, { edits })

    expect(await afterCrash(dir)).toMatchObject({ messages: [{ id: 'pass-[secret]', meta: { pinned: true } }] })
    await session.execute(EditMessages, { edits })
    await session.execute(CloseSession, {})
    expect(await afterCrash(dir)).toMatchObject({ version: 3, messages: [{ meta: { pinned: true } }] })
  })

  test('keeps marks whose words, and usage whose numbers, hold a registered secret by chance', async () => {
    const { bus, dir, append } = await openA()
    for (const word of ['archived', 'notNeeded', 'patchContext', 'finishReason', 'inputTokens', '12345678']) bus.secret(word)
    await append('x')
    const [message] = (await bus.execute(OpenSession, { id: 'a' })).messages
    const usage = { inputTokens: 12345678, outputTokens: 1, totalTokens: 12345679, calls: 1 }
    const meta = { archived: true, notNeeded: true, finishReason: 'stop', usage }
    await bus.session('a').execute(EditMessages, { edits: [{ op: 'mark', ids: [message?.id ?? ''], meta }] })
    await bus.session('a').execute(UpdateSession, { patchContext: { k: 1 } })

    expect(await afterCrash(dir)).toMatchObject({ context: { k: 1 }, messages: [{ meta }] })
  })
})

describe('a file without v, version 0', () => {
  const messages = [user('x'), { ...user('y'), id: 'own', extra: { deep: [1, null] } }]

  function withFile(content: unknown) {
    const dir = temporaryDir()
    const paths = pathsIn(dir)
    writeFileSync(paths.json, JSON.stringify(content))
    const bus = busWith(jsonFileSessions(dir))
    return { dir, bus, ...paths, original: readFileSync(paths.json, 'utf8') }
  }

  test('opens with defaults for all but its messages, which keep every field', async () => {
    const { bus, json } = withFile({ messages, name: 'by hand' })
    const time = Math.floor(statSync(json).mtimeMs)

    expect(await bus.execute(OpenSession, { id: 'a' })).toEqual({
      v: 1,
      id: 'a',
      name: 'by hand',
      version: 1,
      model: null,
      systemPrompt: null,
      createdAt: time,
      updatedAt: time,
      context: {},
      messages: [{ id: 'v0-0', ...messages[0] }, messages[1]],
    })
  })

  test('is not written by opening, listing and closing it', async () => {
    const { bus, dir, json, original } = withFile({ id: 'a', messages })
    await bus.execute(OpenSession, { id: 'a' })
    expect(await bus.execute(ListSessions, {})).toMatchObject([{ id: 'a' }])
    await bus.session('a').execute(CloseSession, {})

    expect(readFileSync(json, 'utf8')).toBe(original)
    expect(readdirSync(dir)).toEqual(['a.json'])
  })

  test('takes changes in its tail, and becomes version 1 with the fold, which keeps the original', async () => {
    const { bus, dir, json, original } = withFile({ id: 'a', messages, foreign: true })
    await bus.execute(OpenSession, { id: 'a' })
    await appenderOf(bus)('z')
    await bus.session('a').execute(EditMessages, { edits: [{ op: 'mark', ids: ['v0-0'], meta: { pinned: true } }] })
    expect(readFileSync(json, 'utf8')).toBe(original)
    const crashed = await afterCrash(dir)
    expect(crashed).toMatchObject({ messages: [{ meta: { pinned: true } }, messages[1], user('z')] })

    await bus.session('a').execute(CloseSession, {})

    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual({ ...crashed, createdAt: expect.any(Number) })
    expect(readFileSync(`${json}.v0`, 'utf8')).toBe(original)
    expect(statSync(`${json}.v0`).mode & 0o777).toBe(0o600)
    expect((await bus.execute(ListSessions, {})).map(({ id }) => id)).toEqual(['a'])
    await bus.execute(DeleteSession, { id: 'a' })
    expect(readdirSync(dir)).toEqual([])
  })

  test('keeps all messages, field by field, whatever they hold', async () => {
    const foreign = fc.array(
      fc
        .tuple(
          fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.string({ unit: 'binary' }) }),
          fc.dictionary(fc.stringMatching(/^x[a-z]{0,5}$/), fc.jsonValue()),
        )
        .map(([message, extra]) => ({ ...extra, ...message })),
      { maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(foreign, async (given) => {
        const { bus, dir } = withFile({ messages: given })
        const opened = await bus.execute(OpenSession, { id: 'a', name: 'n' })
        await bus.stop()
        const later = await afterCrash(dir)

        // As JSON: what it can not hold, such as -0, the file did not hold.
        const expected = given.map((message, index) => ({ id: `v0-${index}`, ...message }))
        expect(JSON.stringify(opened.messages.map(sorted))).toBe(JSON.stringify(expected.map(sorted)))
        expect(later).toEqual(opened)
      }),
      { numRuns: 30 },
    )
  })
})

function sorted(message: object): unknown {
  return Object.entries(message).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

describe('ids', () => {
  test('illegal ones never touch the file system', async () => {
    const dir = join(temporaryDir(), 'never')
    const bus = busWith(jsonFileSessions(dir))

    for (const id of ['../x', '/etc/passwd', 'a\0', 'x'.repeat(300), 'ä', 'A', '', '..', '.', 'con.', 'a/b']) {
      await expect(bus.execute(OpenSession, { id })).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
      await expect(bus.execute(DeleteSession, { id })).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
      if (id === '') continue
      await expect(bus.session(id).execute(OpenSession, {})).rejects.toMatchObject({
        code: 'INVALID_SESSION_ID',
      })
    }

    expect(existsSync(dir)).toBe(false)
  })

  test('files that are no sessions are not listed', async () => {
    const { bus, dir } = await openA()
    for (const name of ['A.json', 'b.txt', '.json', 'b.json.1.tmp', 'c.tail.jsonl', 'd.json5', 'é.json'])
      writeFileSync(join(dir, name), '{}')

    expect((await bus.execute(ListSessions, {})).map(({ id }) => id)).toEqual(['a'])
  })

  test('listing a folder that does not exist finds none and does not make it', async () => {
    const dir = join(temporaryDir(), 'none')

    expect(await busWith(jsonFileSessions(dir)).execute(ListSessions, {})).toEqual([])
    expect(existsSync(dir)).toBe(false)
  })
})

describe('after a crash', () => {
  test('the changes in the tail are there', async () => {
    const { bus, dir, append } = await openA()
    await append('x')
    await bus.session('a').execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })
    await bus.session('a').execute(UpdateSession, { name: 'n', context: { k: 1 } })
    await append('y', 3)

    expect(await afterCrash(dir)).toEqual(await bus.execute(OpenSession, { id: 'a' }))
  })

  test('a tail that is cut at any byte holds its whole lines, and goes on from there', { timeout: 90_000 }, async () => {
    const { bus, dir, json, tail, append } = await openA()
    await append('ä "quoted"\n€😀')
    await bus.session('a').execute(CommitTurn, { turn: 'ü', status: 'ok', version: 1 })
    await append('last €', 2)
      const last = (await bus.execute(OpenSession, { id: 'a' })).messages.at(-1)?.id ?? ''
      const mark = { op: 'mark' as const, ids: [last], meta: { tags: ['ä'] } }
      await bus.session('a').execute(EditMessages, { edits: [mark] })
    const [whole, stored] = [readFileSync(tail), readFileSync(json)]
    expect(whole.length).toBeGreaterThan(200)

    for (let cut = 0; cut <= whole.length; cut++) {
      const copy = join(dir, `cut-${cut}`)
      mkdirSync(copy)
      const paths = pathsIn(copy)
      writeFileSync(paths.json, stored)
      writeFileSync(paths.tail, whole.subarray(0, cut))
      const lines = whole.subarray(0, cut).toString('latin1').split('\n').length - 1
      const store = busWith(jsonFileSessions(copy))

      const session = await store.execute(OpenSession, { id: 'a' })
      expect([session.messages.length, session.version]).toEqual([[0, 1, 1, 2, 2][lines], [1, 1, 2, 2, 3][lines]])
        expect(session.messages[1]?.meta).toEqual(lines < 4 ? undefined : { tags: ['ä'] })
      await appenderOf(store)('more', session.version)
      expect(linesOf(paths.tail)).toHaveLength(lines + 1)
      expect(contentsOf(await afterCrash(copy))).toEqual([...contentsOf(session), 'more'])
      await store.stop()
    }
  })

  test('a tail that outlived its fold is skipped, and goes on after it', async () => {
    const { bus, dir, tail, append } = await openA()
    await append('x')
    await append('y')
    await bus.session('a').execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })
    await append('z', 2)
    const stale = readFileSync(tail)
    const live = await bus.execute(OpenSession, { id: 'a' })
    await bus.session('a').execute(CloseSession, {})
    writeFileSync(tail, stale)

    expect(await bus.execute(ListSessions, {})).toMatchObject([{ updatedAt: live.updatedAt }])
    expect(await bus.execute(OpenSession, { id: 'a' })).toEqual(live)
    await append('more', 2)
    expect(contentsOf(await afterCrash(dir))).toEqual(['x', 'y', 'z', 'more'])
  })

  test('a tail that outlived the replacement of the history is skipped, though it was longer', async () => {
    const { bus, dir, tail, append } = await openA()
    for (const content of ['1', '2', '3']) await append(content)
    const stale = readFileSync(tail)
    await bus.session('a').execute(UpdateSession, { messages: [user('new')] })
    writeFileSync(tail, stale)

    expect(await afterCrash(dir)).toMatchObject({ version: 2, messages: [user('new')] })
  })

  test('a tail whose session was deleted does not come back with the next of that name', async () => {
    const { bus, tail, append } = await openA()
    await append('old')
    const stale = readFileSync(tail)
    await bus.execute(DeleteSession, { id: 'a' })
    writeFileSync(tail, stale)

    expect(await bus.execute(ListSessions, {})).toEqual([])
    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [] })
    expect(readFileSync(tail, 'utf8')).toBe('')
  })

  test('a reader without the lock skips a line that is being written', async () => {
    const { dir, tail, append } = await openA()
    await append('x')
    appendFileSync(tail, '{"at":1,"from":1,"ti')

    const [summary] = await busWith(jsonFileSessions(dir)).execute(ListSessions, {})

    expect(summary).toMatchObject({ id: 'a' })
  })

  test('a reader without the lock finds the session whole though its holder folds while it reads', async () => {
    const { bus, dir, json, tail, append } = await openA()
    await append('x')
    await bus.session('a').execute(CommitTurn, { turn: 't', status: 'ok', version: 1 })
    const before = readFileSync(json)
    await bus.session('a').execute(CloseSession, {})
    await bus.execute(OpenSession, { id: 'a' })
    await append('y', 2)
    const live = await bus.execute(ListSessions, {})
    // As it was before the fold; once the reader has opened the tail, a pipe here, all goes on as it went.
    for (const path of [json, tail]) renameSync(path, `${path}.next`)
    writeFileSync(json, before)
    execFileSync('mkfifo', [tail])
    const holder = spawn('sh', ['-c', `exec 3> ${tail}; mv ${json}.next ${json}; cat ${tail}.next >&3`])

    expect(await busWith(jsonFileSessions(dir)).execute(ListSessions, {})).toEqual(live)
    await once(holder, 'exit')
  })

  test('nothing acknowledged is lost when the process is killed between any two appends and folds', async () => {
    const dir = temporaryDir()
    const child = startChild(dir, 'a', 'count')
    const gone = once(child, 'exit')
    let acknowledged = 0
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line)
      if (acknowledged === 700) child.kill('SIGKILL')
    }
    await gone

    const session = await busWith(jsonFileSessions(dir)).execute(OpenSession, { id: 'a' })

    const expected = Array.from({ length: session.messages.length }, (_, index) => String(index + 1))
    expect(contentsOf(session)).toEqual(expected)
    expect(session.messages.length).toBeGreaterThanOrEqual(acknowledged)
    expect(session.messages.length).toBeLessThanOrEqual(acknowledged + 1)
  })
})

describe('damage', () => {
  const good = {
    v: 1,
    id: 'a',
    name: null,
    version: 3,
    model: null,
    systemPrompt: null,
    createdAt: 1,
    updatedAt: 1,
    context: {},
    messages: [],
  }
  const { v: _v, ...withoutV } = good
  const append = { at: 0, from: 3, time: 2, messages: [user('x')] }

  /** Opens `a` as these files hold it. */
  async function openFiles(json: unknown, tailLines: unknown[] = []) {
    const dir = temporaryDir()
    const paths = pathsIn(dir)
    const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
    writeFileSync(paths.json, text(json))
    if (tailLines.length > 0)
      writeFileSync(paths.tail, tailLines.map((line) => `${text(line)}\n`).join(''))
    const bus = busWith(jsonFileSessions(dir))
    return { ...paths, bus, opened: bus.execute(OpenSession, { id: 'a' }) }
  }

  test.each([
    ['is empty', '', 'it is not JSON'],
    ['is cut', JSON.stringify(good).slice(0, -5), 'it is not JSON'],
    ['is no object', '[]', 'it does not fit'],
    ['has neither v nor messages', { ...withoutV, messages: undefined }, 'its field v'],
    ['has no v, and messages of no known role', { messages: [{ role: 'robot' }] }, 'messages[0].role'],
    ['has no v, and another id than its name', { ...withoutV, id: 'b' }, 'its id is "b"'],
    ['has a v before the first', { ...good, v: 0 }, 'its field v'],
    ['has a v that is text', { ...good, v: '2' }, 'its field v'],
    ['has a version that is text', { ...good, version: '3' }, 'its field version'],
    ['lacks its messages', { ...good, messages: undefined }, 'its field messages'],
    ['has a message of no known role', { ...good, messages: [user('x'), { role: 'robot' }] }, 'messages[1].role'],
    ['has another id than its name', { ...good, id: 'b' }, 'its id is "b"'],
  ])('a JSON file that %s is told with its path and the place', async (_case, content, why) => {
    const { json, lock, opened } = await openFiles(content)

    await expect(opened).rejects.toMatchObject({
      code: 'SESSION_DAMAGED',
      data: { path: json },
      message: expect.stringContaining(why),
    })
    await expect(opened).rejects.toThrow(json)
    await expect(opened).rejects.toThrow(/restore it from a copy, or move the session's files away/)
    expect(existsSync(lock)).toBe(false)
  })

  test('bytes that are not UTF-8 are damage, not replacement characters', async () => {
    const { dir, json, bus } = await openA({ name: 'ä' })
    await bus.session('a').execute(CloseSession, {})
    writeFileSync(json, Buffer.from(readFileSync(json, 'utf8'), 'latin1'))

    await expect(busWith(jsonFileSessions(dir)).execute(OpenSession, { id: 'a' })).rejects.toMatchObject({
      code: 'SESSION_DAMAGED',
    })
  })

  test.each([
    ['is not JSON', ['{"at":0,"fr', append], 1, 'it is not JSON'],
    ['is empty', [append, '', { ...append, at: 1 }], 2, 'it is not JSON'],
    ['is no object', [append, 'null'], 2, 'it does not fit'],
    ['lacks a field', [{ at: 0, from: 3, messages: [] }], 1, 'its field time'],
    ['raises the version twice', [{ from: 3, version: 5, time: 2, set: {} }], 1, 'its field version'],
    [
      'edits a message that there is not',
      [{ from: 3, version: 4, time: 2, edits: [{ op: 'delete', ids: ['x'] }] }],
      1,
      'its edits do not fit the history',
    ],
    ['edits in a way that there is not', [{ from: 3, version: 4, time: 2, edits: [{ op: 'x' }] }], 1, 'its field edits[0].op'],
    ['comes after lost messages', [append, { ...append, at: 2 }], 2, 'does not follow on version 3 with 1 messages'],
    ['comes after a lost version', [append, { from: 4, version: 5, time: 2, turn: 't', status: 'ok' }], 2, 'does not follow'],
  ])('a line of the tail that %s is told with its path and number', async (_case, lines, line, why) => {
    const { tail, opened } = await openFiles(good, lines)

    await expect(opened).rejects.toMatchObject({
      code: 'SESSION_DAMAGED',
      data: { path: tail, line },
      message: expect.stringContaining(why),
    })
    await expect(opened).rejects.toThrow(`line ${line} of ${tail}`)
  })

  test('a file from a later format asks for an upgrade', async () => {
    const { json, opened } = await openFiles({ v: 2, anything: true })

    await expect(opened).rejects.toMatchObject({
      code: 'SESSION_FROM_FUTURE',
      data: { path: json, version: 2 },
      message: expect.stringMatching(/format version 2.*Upgrade busline/),
    })
  })

  test('a damaged file is left as it is, and can be deleted', async () => {
    const { json, bus, opened } = await openFiles('{"v":1')
    await expect(opened).rejects.toThrow('damaged')

    expect(readFileSync(json, 'utf8')).toBe('{"v":1')
    await bus.execute(DeleteSession, { id: 'a' })
    expect(existsSync(json)).toBe(false)
  })

  test('a damaged session is left out of the list with a warning that names it', async () => {
    const { dir, bus } = await openA()
    writeFileSync(join(dir, 'b.json'), '{')
    const warned = once(process, 'warning')

    const sessions = await bus.execute(ListSessions, {})

    expect(sessions.map(({ id }) => id)).toEqual(['a'])
    const [warning]: unknown[] = await warned
    expect(warning).toMatchObject({
      code: 'BUSLINE_SESSION_SKIPPED',
      message: expect.stringContaining(join(dir, 'b.json')),
    })
  })

  test('a file with a byte order mark, as some editors write it, opens', async () => {
    const { opened } = await openFiles(`\uFEFF${JSON.stringify(good)}`)

    expect(await opened).toMatchObject({ version: 3 })
  })
})

describe('files that the system refuses', () => {
  test('a folder below a regular file is told with its path and the reason', async () => {
    const file = join(temporaryDir(), 'file')
    writeFileSync(file, '')
    const dir = join(file, 'sessions')
    const bus = busWith(jsonFileSessions(dir))

    for (const failing of [bus.execute(OpenSession, { id: 'a' }), bus.execute(ListSessions, {})]) {
      await expect(failing).rejects.toMatchObject({
        code: 'FILE_FAILED',
        data: { path: dir },
        message: expect.stringMatching(/a part of the path is not a folder/),
      })
    }
  })

  test('a folder that is a file, a dangling link, or below one, and one that nobody can write, are told', async () => {
    const file = join(temporaryDir(), 'file')
    writeFileSync(file, '')
    const dangling = join(temporaryDir(), 'dangling')
    symlinkSync('/nowhere', dangling)

    for (const dir of [file, dangling, join(dangling, 'sessions'), '/proc/busline-sessions']) {
      await expect(busWith(jsonFileSessions(dir)).execute(OpenSession, { id: 'a' })).rejects.toMatchObject({
        code: 'FILE_FAILED',
        data: { path: dir },
      })
    }
  })

  test.each(['json', 'tail', 'lock'] as const)('a folder in place of the %s file is told', async (which) => {
    const { bus, dir, ...paths } = await openA()
    await bus.stop()
    rmSync(paths[which], { force: true })
    mkdirSync(paths[which])

    await expect(busWith(jsonFileSessions(dir)).execute(OpenSession, { id: 'a' })).rejects.toMatchObject({
      code: 'FILE_FAILED',
      data: { path: paths[which] },
      message: expect.stringContaining('it is a folder'),
    })
  })

  test('an append that finds no space changes nothing', async () => {
    const { bus, tail, append } = await openA()
    await letGoOfTail(bus)
    const before = await bus.execute(OpenSession, { id: 'a' })
    symlinkSync('/dev/full', tail)

    await expect(append('x', 2)).rejects.toMatchObject({
      code: 'FILE_FAILED',
      data: { path: tail },
      message: expect.stringContaining('no space is left on the device'),
    })
    expect(await bus.execute(OpenSession, { id: 'a' })).toEqual(before)
  })

  test('an append that was written in part is cut before the next', async () => {
    const dir = temporaryDir()
    await busWith(jsonFileSessions(dir)).stop()
    const bash = `ulimit -f 64; exec "$0" --import tsx "$@"`
    const args = ['-c', bash, process.execPath, CHILD, dir, 'a', 'append', '10,100000,20,100000,30']

    const { stdout } = await promisify(execFile)('bash', args)

    const failed = expect.stringMatching(/^FILE_FAILED .*a\.tail\.jsonl can't be written/)
    expect(stdout.trimEnd().split('\n')).toEqual(['ok', failed, 'ok', failed, 'ok'])
    const session = await busWith(jsonFileSessions(dir)).execute(OpenSession, { id: 'a' })
    expect(contentsOf(session)).toEqual([10, 20, 30].map((size) => 'x'.repeat(size)))
  })

  test('a fold that fails loses nothing, fails no append, warns, and is tried again', async () => {
    const { bus, dir, json, tail, append } = await openA()
    const draft = `${json}.${process.pid}.tmp`
    mkdirSync(draft)
    const warned = once(process, 'warning')

    for (let count = 1; count <= 300; count++) await append(String(count))

    const [warning]: unknown[] = await warned
    expect(warning).toMatchObject({
      code: 'BUSLINE_SESSION_NOT_FOLDED',
      message: expect.stringContaining(json),
    })
    expect(linesOf(tail)).toHaveLength(300)
    rmSync(draft, { recursive: true })
    expect((await afterCrash(dir)).messages).toHaveLength(300)
    for (let count = 301; count <= 512; count++) await append(String(count))
    expect(existsSync(tail)).toBe(false)
    expect((await bus.execute(OpenSession, { id: 'a' })).messages).toHaveLength(512)
  })

  test('a history that can not be replaced stays, and changes go on after it', async () => {
    const { bus, dir, json, append } = await openA()
    await append('old')
    const before = await bus.execute(OpenSession, { id: 'a' })
    const draft = `${json}.${process.pid}.tmp`
    mkdirSync(draft)

    await expect(bus.session('a').execute(UpdateSession, { messages: [] })).rejects.toMatchObject({
      code: 'FILE_FAILED',
      data: { path: json },
    })
    expect(await bus.execute(OpenSession, { id: 'a' })).toEqual(before)
    rmSync(draft, { recursive: true })
    // Had it failed after the rename, the file would hold the new history already.
    writeFileSync(json, JSON.stringify({ ...before, version: 2, messages: [] }))
    await append('new')
    expect(await afterCrash(dir)).toMatchObject({ version: 1, messages: [user('old'), user('new')] })
  })

  test('a session that can not be folded is closed all the same, and its tail keeps what it holds', async () => {
    const { bus, dir, json, lock, append } = await openA()
    await append('x')
    const draft = `${json}.${process.pid}.tmp`
    mkdirSync(draft)

    await expect(bus.session('a').execute(CloseSession, {})).rejects.toMatchObject({ code: 'FILE_FAILED' })

    expect(existsSync(lock)).toBe(false)
    rmSync(draft, { recursive: true })
    expect(contentsOf(await afterCrash(dir))).toEqual(['x'])
  })

  test('stopping the bus tells what could not be folded, and closes the others', async () => {
    const dir = temporaryDir()
    const { json } = pathsIn(dir)
    const bus = new MessageBus()
    bus.attach(jsonFileSessions(dir))
    for (const id of ['a', 'b']) await bus.execute(OpenSession, { id })
    await appenderOf(bus)('x')
    mkdirSync(`${json}.${process.pid}.tmp`)

    await expect(bus.stop()).rejects.toMatchObject({ code: 'FILE_FAILED', data: { path: json } })

    expect(readdirSync(dir).filter((name) => name.endsWith('.lock'))).toEqual([])
  })
})

describe('locks', () => {
  test('a session that another process holds is refused with its pid until that is killed', async () => {
    const dir = temporaryDir()
    const child = startChild(dir, 'a', 'hold')
    await once(child.stdout, 'data')
    const bus = busWith(jsonFileSessions(dir))

    const refusal = { code: 'SESSION_IN_USE', data: { session: 'a', pid: child.pid } }
    await expect(bus.execute(OpenSession, { id: 'a' })).rejects.toMatchObject(refusal)
    await expect(bus.execute(OpenSession, { id: 'a' })).rejects.toThrow(`process ${child.pid}`)
    await expect(bus.execute(DeleteSession, { id: 'a' })).rejects.toMatchObject(refusal)
    expect(await bus.execute(ListSessions, {})).toMatchObject([{ id: 'a' }])

    await kill(child)
    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ id: 'a' })
  })

  test('a session whose holder was killed can be deleted', async () => {
    const dir = temporaryDir()
    const child = startChild(dir, 'a', 'hold')
    await once(child.stdout, 'data')
    await kill(child)

    await busWith(jsonFileSessions(dir)).execute(DeleteSession, { id: 'a' })

    expect(readdirSync(dir)).toEqual([])
  })

  test('listing takes none', async () => {
    const { bus, dir } = await openA()
    await bus.session('a').execute(CloseSession, {})

    await bus.execute(ListSessions, {})

    expect(readdirSync(dir)).toEqual(['a.json'])
  })
})

describe('deleting', () => {
  test('leaves nothing of the session, drafts of a process that died included, and all of the others', async () => {
    const { bus, dir, append } = await openA()
    await append('x')
    writeFileSync(join(dir, 'a.json.123.tmp'), '{}')
    writeFileSync(join(dir, 'aa.json.123.tmp'), '{}')

    await bus.execute(DeleteSession, { id: 'a' })

    expect(readdirSync(dir)).toEqual(['aa.json.123.tmp'])
  })

  test('in a folder that does not exist finds nothing and does not make it', async () => {
    const dir = join(temporaryDir(), 'none')

    await expect(busWith(jsonFileSessions(dir)).execute(DeleteSession, { id: 'a' })).rejects.toMatchObject({
      code: 'SESSION_NOT_FOUND',
    })
    expect(existsSync(dir)).toBe(false)
  })
})

describe('secrets', () => {
  const SECRET = 'pass"word\n€-1234'
  const CLEAN = '[secret]'

  test('are not written, wherever they stand, and however JSON escapes them', async () => {
    const dir = temporaryDir()
    const bus = busWith(jsonFileSessions(dir))
    bus.secret(SECRET)
    await bus.execute(OpenSession, { id: 'a', name: SECRET, systemPrompt: `p ${SECRET}` })
    const session = bus.session('a')

    await session.execute(AppendMessages, {
      messages: [{ ...user(`x ${SECRET} y`), extra: [{ [SECRET]: SECRET }] }],
      version: 1,
    })
    await session.execute(CommitTurn, { turn: SECRET, status: 'ok', version: 1 })
    await session.execute(UpdateSession, { context: { [SECRET]: [SECRET] } })

    const { json, tail } = pathsIn(dir)
    const crashed = await afterCrash(dir)
    const texts = [json, tail].map((path) => readFileSync(path, 'utf8'))
    await session.execute(CloseSession, {})
    texts.push(readFileSync(json, 'utf8'))
    for (const text of texts) {
      expect(text).toContain(CLEAN)
      expect(text).not.toContain('1234')
    }
    const expected = {
      name: CLEAN,
      systemPrompt: `p ${CLEAN}`,
      context: { [CLEAN]: [CLEAN] },
      messages: [{ ...user(`x ${CLEAN} y`), extra: [{ [CLEAN]: CLEAN }] }],
    }
    expect(crashed).toMatchObject(expected)
    expect(await session.execute(OpenSession, {})).toMatchObject(expected)
  })

  test('that are numbers are not written, and tear no hole into a number of the format', async () => {
    const dir = temporaryDir()
    const bus = new MessageBus({ now: () => 1_712_345_678 })
    onTestFinished(async () => void (await bus.stop()))
    bus.attach(jsonFileSessions(dir))
    bus.secret('12345678')
    await bus.execute(OpenSession, { id: 'a' })

    await bus.session('a').execute(UpdateSession, { context: { pin: 12345678, other: 1234567 } })

    const expected = { updatedAt: 1_712_345_678, context: { pin: '[secret]', other: 1234567 } }
    expect(await afterCrash(dir)).toMatchObject(expected)
    await bus.session('a').execute(CloseSession, {})
    expect(await afterCrash(dir)).toMatchObject(expected)
  })

  test('that are words of the format, or part of an id, do not make the file unreadable', async () => {
    const dir = temporaryDir()
    const id = 'id-12345678'
    const words = ['messages', 'systemPrompt', 'createdAt', 'assistant', 'tool_calls', 'function', 'arguments']
    const call = { id: '1', function: { name: 'f', arguments: '{}' } }
    const messages = [{ role: 'assistant' as const, tool_calls: [call] }]
    const bus = busWith(jsonFileSessions(dir))
    for (const word of [...words, id, '12345678']) bus.secret(word)
    await bus.execute(OpenSession, { id })
    await bus.session(id).execute(AppendMessages, { messages, version: 1 })

    expect(await afterCrash(dir, id)).toMatchObject({ id, messages })
    await bus.stop()
    expect(await afterCrash(dir, id)).toMatchObject({ id, messages })
  })
})

function startChild(dir: string, id: string, what: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, id, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

describe('a ttl', () => {
  const TTL = 60_000

  function storeOn(dir: string) {
    const { bus, clock } = testBus()
    bus.attach(jsonFileSessions(dir, { ttl: TTL }))
    onTestFinished(async () => void (await bus.stop()))
    return { bus, clock }
  }

  test('takes the files of exactly what has expired, with the sweep', async () => {
    const dir = temporaryDir()
    const { bus, clock } = storeOn(dir)
    for (const id of ['1', '10', '2']) await bus.execute(OpenSession, { id })
    for (const id of ['1', '10']) await bus.session(id).execute(CloseSession, {})
    await clock.advance(TTL / 2)
    await bus.execute(OpenSession, { id: '10' })
    await bus.session('10').execute(CloseSession, {})

    await clock.advance(TTL / 2)

    expect(readdirSync(dir)).toEqual(['10.json'])
    await clock.advance(TTL)
    expect(readdirSync(dir)).toEqual([])
  })

  test('holds for what a process left that is gone', async () => {
    const dir = temporaryDir()
    const first = storeOn(dir)
    await first.bus.execute(OpenSession, { id: 'a' })
    await first.bus.stop()

    const { bus, clock } = storeOn(dir)
    expect(await bus.execute(ListSessions, {})).toHaveLength(1)
    await clock.advance(TTL)

    expect(readdirSync(dir)).toEqual([])
  })

  test('leaves damaged files to whoever opens them, and goes on with the others', async () => {
    const dir = temporaryDir()
    const { bus, clock } = storeOn(dir)
    writeFileSync(join(dir, '0.json'), '{')
    await bus.execute(OpenSession, { id: 'a' })

    await clock.advance(2 * TTL)

    expect(readdirSync(dir)).toEqual(['0.json'])
  })
})

describe('a folder that is none', () => {
  test.each(['', ' ', undefined, null, 7, new URL('file:///tmp')])('%j is refused, and dir is named', (dir) => {
    const create = (): unknown => Reflect.apply(jsonFileSessions, undefined, [dir])
    expect(create).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: 'dir' }, message: expect.stringContaining('folder') }),
    )
  })
})

describe('a file that was brought from elsewhere, in a store with a ttl', () => {
  const TTL = 3_600_000
  const original = JSON.stringify({ messages: [user('hi')] })

  /** The file `a.json` of an older format, written ten times the ttl ago. */
  function imported() {
    const dir = temporaryDir()
    const paths = pathsIn(dir)
    const { bus, clock } = testBus()
    writeFileSync(paths.json, original)
    const written = (bus.now() - 10 * TTL) / 1000
    utimesSync(paths.json, written, written)
    bus.attach(jsonFileSessions(dir, { ttl: TTL }))
    onTestFinished(async () => void (await bus.stop()))
    return { bus, clock, ...paths }
  }

  test('is opened with what it holds, and the original is kept', async () => {
    const { bus, json } = imported()

    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({
      messages: [user('hi')],
      updatedAt: bus.now(),
    })
    await bus.session('a').execute(CloseSession, {})

    expect(readFileSync(`${json}.v0`, 'utf8')).toBe(original)
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ messages: [user('hi')] })
  })

  test('is listed and left as it is until then, however long that takes, and sets no timers', async () => {
    const { bus, clock, json } = imported()

    await clock.advance(10 * TTL)
    await clock.runAll()

    expect(clock.pending).toBe(0)
    expect(await bus.execute(ListSessions, {})).toMatchObject([{ id: 'a' }])
    expect(readFileSync(json, 'utf8')).toBe(original)
    expect(await bus.execute(OpenSession, { id: 'a' })).toMatchObject({ messages: [user('hi')] })
  })

  test.each(['open', 'closed'])('expires after that like any other, %s', async (how) => {
    const { bus, clock, json } = imported()
    await clock.advance(10 * TTL)
    await bus.execute(OpenSession, { id: 'a' })
    if (how === 'closed') await bus.session('a').execute(CloseSession, {})

    await clock.advance(TTL - 1)
    expect(await bus.execute(ListSessions, {})).toMatchObject([{ id: 'a' }])
    await clock.runAll()

    expect(await bus.execute(ListSessions, {})).toEqual([])
    expect(existsSync(json)).toBe(false)
  })
})
