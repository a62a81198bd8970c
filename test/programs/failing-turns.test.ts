import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { begin, call, loopbackServer, refuse, say, type Answer } from './fixtures/loopback-server.ts'
import {
  complaintsOf,
  linesOf,
  recordPointedAt,
  turnsOf,
  WorkFolder,
  type Finished,
} from './fixtures/run-program.ts'

const folder = WorkFolder.forFile()
const CANARY = 'sk-canary-4711-canary'
const HOSTILE = 'a\u001b]0;pwned\u0007b \u009b31mred \u202eevil\u2028'

/** Does what the last user message says. */
const obey: Answer = (response, { messages, headers }) => {
  const last = messages.findLast(({ role }) => role === 'user')?.content
  if (last === 'refuse') return refuse(response, 400, 'the prompt is too rude')
  if (last === 'break') return refuse(response, 500, 'the GPU is on fire')
  if (last === 'deny')
    return refuse(response, 401, `Incorrect API key provided: ${headers.authorization?.slice(7)}`)
  if (last === 'attack') return say(response, HOSTILE.slice(0, 3), HOSTILE.slice(3))
  if (last === 'mail' && messages.at(-1)?.role === 'user') return call(response, 'send_email', HOSTILE)
  if (last !== 'cut') return say(response, 'Fine.')
  begin(response, 'Half an ', 'answer')
  // Only when the words have left, so that they arrive.
  response.write('\n', () => response.destroy())
}

const asPrompts = (texts: readonly string[]): string[] => texts.flatMap((text) => ['--prompt', text])

function expectPointers(lines: readonly string[], { stderr }: Finished): void {
  expect(lines.map(recordPointedAt)).toEqual(lines.map(() => 'chat.turnFailed'))
  expect(stderr).not.toMatch(/^ +at /m)
}

describe.concurrent('a failing turn', () => {
  const prompts = asPrompts(['refuse', 'break', 'cut', 'hello'])
  const reasons = [
    /answered 400: the prompt is too rude\./,
    /answered 500: the GPU is on fire\./,
    /before it was complete/,
  ]

  test('is one object with --json and one event line at level error that names the journal line, and the next turn runs', async () => {
    await using server = await loopbackServer(obey)
    const finished = await folder.chat(['--base-url', server.url, '--json', ...prompts])
    expect(finished.code).toBe(1)
    expect(turnsOf(finished)).toMatchObject([
      { status: 'error', reply: null, usage: null, model: null, error: { code: 'INVALID_REQUEST' } },
      { status: 'error', reply: null, error: { code: 'PROVIDER_FAILED' } },
      { status: 'error', reply: 'Half an answer', error: { code: 'ANSWER_CUT' } },
      { status: 'ok', reply: 'Fine.', error: null },
    ])
    expect(turnsOf(finished)[2]?.messages).toMatchObject([
      { role: 'user', content: 'cut' },
      { role: 'assistant', content: 'Half an answer' },
    ])
    const lines = linesOf(finished.stderr)
    expect(lines).toEqual(reasons.map((reason) => expect.stringMatching(reason)))
    for (const line of lines) expect(line).toMatch(/^[\d:.]+ error event chat\.turnFailed /)
    expectPointers(lines, finished)
  })

  test('is one line after the banner in text mode, and what was said stays on stdout and in the session', async () => {
    await using server = await loopbackServer(obey)
    const finished = await folder.chat(['--base-url', server.url, ...prompts])
    expect(finished).toMatchObject({ code: 1, stdout: 'Half an answer\nFine.\n' })
    expect(linesOf(finished.stderr)[0]).toMatch(/^Busline \S+: gpt-4o-mini at 127\.0\.0\.1:\d+$/)
    const lines = complaintsOf(finished)
    expect(lines).toEqual(reasons.map((reason) => expect.stringMatching(reason)))
    expectPointers(lines, finished)

    const [, id = ''] = /^session (\w+)/m.exec(finished.stderr) ?? []
    const said = folder.session(id).messages.map(({ content }) => content)
    expect(said).toEqual(['refuse', 'break', 'cut', 'Half an answer', 'hello', 'Fine.'])
  })

  test('never tells the key that the server echoes, on no stream and in no file', async () => {
    const own = folder.within('canary')
    await using server = await loopbackServer(obey)
    const args = ['--base-url', server.url, '--api-key', CANARY, ...asPrompts(['deny', `I am ${CANARY}`])]
    const [json, text] = await Promise.all([
      own.chat([...args, '--json', '--log-level', 'debug']),
      own.chat(args, { env: { OPENAI_API_KEY: 'another-key' } }),
    ])
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
      server.requests.map(() => `Bearer ${CANARY}`),
    )
    expect([json.code, text.code]).toEqual([1, 1])
    expect(turnsOf(json)[0]?.error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringMatching(/answered 401: .*\[secret\].*Check the API key/),
    })
    expect(complaintsOf(text)).toEqual([
      expect.stringMatching(/\[secret\].*Check the API key.*\(\/.*:\d+\)$/),
    ])

    const files = [own.logs, own.sessions].flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
    const written = files.map((file) => readFileSync(file, 'utf8'))
    const streams = [JSON.stringify(turnsOf(json)[0]), json.stderr, text.stdout, text.stderr]
    expect(files).toHaveLength(4)
    expect([...streams, ...written].filter((told) => told.includes('canary-4711'))).toEqual([])
  })

  test('says that nobody listens when the server is down', async () => {
    const server = await loopbackServer(obey)
    await server[Symbol.asyncDispose]()
    const finished = await folder.chat(['--base-url', server.url, '--prompt', 'hi'])
    expect(finished).toMatchObject({ code: 1, stdout: '' })
    expect(complaintsOf(finished)).toEqual([
      expect.stringMatching(
        /^Can't reach http:\S+: connection refused\. Is the server running\? \(\/.*:\d+\)$/,
      ),
    ])
  })

  test('names the proxy that is dead', async () => {
    const dead = 'http://127.0.0.1:9'
    const args = ['--base-url', 'http://10.1.2.3/v1', '--prompt', 'hi']
    const finished = await folder.chat(args, { env: { HTTP_PROXY: dead, HTTPS_PROXY: dead } })
    expect(finished).toMatchObject({ code: 1, stdout: '' })
    expect(complaintsOf(finished)).toEqual([
      expect.stringMatching(
        /^Can't reach http:\/\/10\.1\.2\.3\S+ through the proxy 127\.0\.0\.1:9: .*Check HTTPS_PROXY/,
      ),
    ])
  })

  test('has status timeout after --timeout, and keeps what had arrived', async () => {
    await using server = await loopbackServer((response) => begin(response, 'So far'))
    const args = ['--base-url', server.url, '--prompt', 'hi', '--timeout']
    const [short, long] = await Promise.all([
      folder.chat([...args, '0.2', '--json']),
      folder.chat([...args, '2']),
    ])
    expect(short.code).toBe(1)
    expect(turnsOf(short)).toMatchObject([{ status: 'timeout', error: { code: 'TIMED_OUT' } }])
    expectPointers(linesOf(short.stderr), short)
    expect(long).toMatchObject({ code: 1, stdout: 'So far\n' })
    expect(complaintsOf(long)).toEqual([
      expect.stringMatching(/timeout of 2000 ms\. Give it longer with --timeout\. \(/),
    ])
    expectPointers(complaintsOf(long), long)
  })
})

describe.concurrent('hostile text of a model', () => {
  test('is shown and not sent to the terminal, and escaped in JSON', async () => {
    await using server = await loopbackServer(obey)
    const args = ['--base-url', server.url, ...asPrompts(['attack', 'mail'])]
    const [text, json] = await Promise.all([
      folder.chat([...args, '--log-level', 'debug']),
      folder.chat([...args, '--json', '--log-level', 'debug']),
    ])
    expect(linesOf(text.stdout)[0]).toBe('a\\x1b]0;pwned\\x07b \\x9b31mred \\u202eevil\\u2028')
    expect(turnsOf(json)[0]?.reply).toBe(HOSTILE)
    expect(turnsOf(json)[1]?.toolCalls[0]?.arguments).toBe(JSON.stringify(HOSTILE))
    expect(json.stdout).toContain(String.raw`a\u001b]0;pwned\u0007b \u009b31mred \u202eevil\u2028`)
    for (const said of [text.stdout, text.stderr, json.stdout, json.stderr])
      expect(said).not.toMatch(/[^\n\P{Cc}]|[\u202e\u2028]/u)
  })
})
