import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, defineTool, OpenSession, scriptedProvider, Session } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { sessions } from '../../programs/busline/sessions.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-sessions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (dir: string, ...argv: string[]): Promise<Ran> =>
  runCommand(sessions, [...argv, '--sessions-dir', join(folder, dir)])

/** A folder with the sessions `trip1` and `trip2`; the first has a turn with a tool call. */
async function fill(dir: string): Promise<string> {
  const path = join(folder, dir)
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({ at: z.string() }),
    run: () => 'a `fence` ``` and \u001b[31mred',
  })
  const provider = scriptedProvider([
    { toolCalls: [{ name: 'look', arguments: { at: 'sea' } }] },
    'Blue.',
    'Hi.',
  ])
  await using app = createApp({ provider, tools: [look], sessions: path, systemPrompt: 'Be brief.' })
  await app.chat('trip1').send('What is there?')
  await app.chat('trip2').send('Hello')
  return path
}

beforeAll(async () => {
  await fill('kept')
})

describe('busline sessions list', () => {
  test('lists as a table, and as the objects of function-chat', async () => {
    const text = await run('kept', 'list')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/^ {2}trip2 {2}1 turn .*\n {2}trip1 {2}1 turn .*\n$/)
    const json = await run('kept', 'list', '--json')
    expect(linesOf(json.stdout).map((line) => Object.keys(JSON.parse(line)))).toEqual([
      ['id', 'name', 'model', 'turns', 'updatedAt'],
      ['id', 'name', 'model', 'turns', 'updatedAt'],
    ])
    expect((await run('kept')).stdout).toBe(text.stdout)
  })

  test('lists the others and ends with 3 when a file is damaged', async () => {
    const path = await fill('damaged')
    writeFileSync(join(path, 'broken.json'), '{"v":1,')
    const { code, stdout } = await run('damaged', 'list', '--json')
    expect(code).toBe(3)
    expect(linesOf(stdout)).toHaveLength(2)
  })
})

describe('busline sessions show', () => {
  test('prints the conversation with its tool calls, escapes made visible', async () => {
    const { code, stdout, stderr } = await run('kept', 'show', 'trip1')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^session trip1 {2}/)
    expect(stdout).toMatch(/^system {4}Be brief\.$/m)
    expect(stdout).toMatch(/^user {6}What is there\?$/m)
    expect(stdout).toMatch(/^assistant calls look \{"at":"sea"\}$/m)
    expect(stdout).toContain('\\x1b[31mred')
    expect(stdout).not.toContain('\u001b')
  })

  test('prints one message a line with --json, every key there', async () => {
    const { stdout } = await run('kept', 'show', 'trip1', '--json')
    const messages = linesOf(stdout).map((line) => JSON.parse(line))
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    for (const message of messages)
      expect(Object.keys(message)).toEqual([
        'session',
        'id',
        'turn',
        'role',
        'content',
        'toolCalls',
        'toolCallId',
        'meta',
      ])
  })

  test('takes the beginning of an id, refuses one that several have, and one that nobody has', async () => {
    await fill('prefix')
    rmSync(join(folder, 'prefix', 'trip2.json'))
    expect(await run('prefix', 'show', 'tri')).toMatchObject({ code: 0 })
    const several = await run('kept', 'show', 'trip')
    expect(several).toMatchObject({ code: 2, stdout: '' })
    expect(several.stderr).toMatch(/^trip is the beginning of 2 sessions: trip2, trip1\. Say more of it\.\n$/)
    const none = await run('kept', 'show', 'tirp1')
    expect(none.code).toBe(2)
    expect(none.stderr).toMatch(/^There is no session tirp1 in \S+kept\. Near: trip1, trip2\.\n$/)
  })

  test('leaves the files as they were', async () => {
    const before = readFileSync(join(folder, 'kept', 'trip1.json'), 'utf8')
    await run('kept', 'show', 'trip1')
    expect(readFileSync(join(folder, 'kept', 'trip1.json'), 'utf8')).toBe(before)
    expect(readdirSync(join(folder, 'kept')).toSorted()).toEqual(['trip1.json', 'trip2.json'])
  })

  test('says who holds a session that is in use', async () => {
    await using app = createApp({ provider: scriptedProvider([]), sessions: join(folder, 'kept') })
    await app.bus.execute(OpenSession, { id: 'trip2' })
    const { code, stderr } = await run('kept', 'show', 'trip2')
    expect(code).toBe(4)
    expect(stderr).toMatch(/^Session "trip2" is in use by .*\n$/)
  })
})

describe('busline sessions export', () => {
  test('writes a file that another folder takes as a session', async () => {
    const { stdout } = await run('kept', 'export', 'trip1')
    mkdirSync(join(folder, 'moved'))
    writeFileSync(join(folder, 'moved', 'trip1.json'), stdout)
    const moved = await run('moved', 'show', 'trip1')
    expect(moved).toEqual(await run('kept', 'show', 'trip1'))
    expect(Session.parse(JSON.parse(stdout))).toMatchObject({ v: 1, id: 'trip1' })
  })

  test('writes what a server takes, system prompt first and nothing of our own', async () => {
    const { stdout } = await run('kept', 'export', 'trip1', '--format', 'openai')
    const { messages } = JSON.parse(stdout)
    expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' })
    expect(messages.slice(1).map((message: object) => Object.keys(message))).toEqual([
      ['role', 'content'],
      ['role', 'content', 'tool_calls'],
      ['role', 'content', 'tool_call_id'],
      ['role', 'content'],
    ])
  })

  test('writes Markdown whose fences no text breaks', async () => {
    const { stdout } = await run('kept', 'export', 'trip1', '--format', 'md')
    expect(stdout).toMatch(/^# trip1\n/)
    expect(stdout).toMatch(/^````json\n.*``` and/m)
    expect(stdout).not.toContain('\u001b')
  })

  test('refuses a format that there is not', async () => {
    const { code, stderr } = await run('kept', 'export', 'trip1', '--format', 'xml')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '--format must be one of json, openai, md.\n' })
  })
})

describe('busline sessions delete', () => {
  test('asks nobody about a session that is not there', async () => {
    const streams = [process.stdin, process.stderr]
    const before = streams.map(({ isTTY }) => isTTY)
    for (const stream of streams) stream.isTTY = true
    // Whoever asks nevertheless is interrupted.
    try {
      const argv = ['delete', 'nobody', '--sessions-dir', join(folder, 'kept')]
      expect(await runCommand(sessions, argv, { signal: AbortSignal.abort() })).toEqual({
        code: 2,
        stdout: '',
        stderr: `There is no session nobody in ${join(folder, 'kept')}. busline sessions list tells which there are.\n`,
      })
    } finally {
      for (const [place, stream] of streams.entries()) stream.isTTY = before[place] ?? false
    }
  })

  test('wants --yes where nobody can be asked, and deletes by whole ids only', async () => {
    const path = await fill('gone')
    const unasked = await run('gone', 'delete', 'trip1')
    expect(unasked).toMatchObject({ code: 2, stdout: '' })
    expect(unasked.stderr).toMatch(/--yes/)
    expect((await run('gone', 'delete', 'tri', '--yes')).code).toBe(2)
    expect(readdirSync(path)).toHaveLength(2)
    expect(await run('gone', 'delete', 'trip1', 'trip2', '--yes', '--json')).toEqual({
      code: 0,
      stdout: '{"id":"trip1","deleted":true}\n{"id":"trip2","deleted":true}\n',
      stderr: '',
    })
    expect(readdirSync(path)).toEqual([])
  })
})

test('busline sessions names the action that may have been meant', async () => {
  const { code, stderr } = await run('kept', 'exprot')
  expect(code).toBe(2)
  expect(stderr).toBe('busline sessions can\'t "exprot". Did you mean export?\n')
})
