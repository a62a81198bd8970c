import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { begin, call, loopbackServer, refuse, say, type Answer } from './fixtures/loopback-server.ts'
import { complaintsOf, linesOf, recordPointedAt, turnsOf } from './fixtures/printed.ts'
import type { Finished } from './fixtures/running.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
const CANARY = 'sk-canary-4711-canary'
const HOSTILE = 'a\u001b]0;pwned\u0007b \u009b31mred \u202eevil\u2028'
const HOSTILE_SHOWN = 'a\\x1b]0;pwned\\x07b \\x9b31mred \\u202eevil\\u2028'

/** Does what the last user message says. */
const obey: Answer = (response, { messages, headers }) => {
  const last = messages.findLast(({ role }) => role === 'user')?.content
  if (last === 'refuse') return refuse(response, 400, 'the prompt is too rude')
  if (last === 'break') return refuse(response, 500, 'the GPU is on fire')
  if (last === 'deny') return refuse(response, 401, `Incorrect API key: ${headers.authorization?.slice(7)}`)
  if (last === 'attack') return say(response, HOSTILE.slice(0, 3), HOSTILE.slice(3))
  if (last === 'mail' && messages.at(-1)?.role === 'user') return call(response, 'send_email', HOSTILE)
  if (last === 'loop') return call(response, 'calculate', { expression: '1+1' })
  if (last !== 'cut') return say(response, 'Fine.')
  begin(response, 'Half an ', 'answer')
  // Only when the words have left, so that they arrive.
  response.write('\n', () => response.destroy())
}

const asPrompts = (texts: readonly string[]): string[] => texts.flatMap((text) => ['--prompt', text])

/** That each line points at the record that tells why a turn failed, and that no stack is shown. */
function expectPointers(lines: readonly string[], { stderr }: Finished): void {
  expect(lines.map(recordPointedAt)).toEqual(lines.map(() => 'chat.turnFailed'))
  expect(stderr).not.toMatch(/^ +at /m)
}

/** That the key is on no stream and in no file of a run. */
function expectNoCanary({ logs, sessions }: WorkFolder, { stdout, stderr }: Finished): void {
  const files = [logs, sessions].flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
  expect(files).toHaveLength(2)
  const told = [stdout, stderr, ...files.map((file) => readFileSync(file, 'utf8'))]
  expect(told.filter((text) => text.includes('canary-4711'))).toEqual([])
}

describe.concurrent('a failing turn', () => {
  const asked = ['refuse', 'break', 'deny', 'cut', 'loop', 'hello']
  const reasons = [
    /answered 400: the prompt is too rude\./,
    /answered 500: the GPU is on fire\./,
    /answered 401: Incorrect API key: \[secret\]\. Check the API key/,
    /before it was complete/,
  ].map((reason): unknown => expect.stringMatching(reason))

  test('is one object with --json and one event line at level error that names the journal line, and the next turn runs', async () => {
    await using server = await loopbackServer(obey)
    const own = folder.within('json')
    const options = ['--base-url', server.url, '--api-key', CANARY, '--json', '--max-steps', '1']
    const finished = await own.chat([...options, ...asPrompts(asked)])
    expect(finished.code).toBe(1)
    expect(turnsOf(finished)).toMatchObject([
      { status: 'error', reply: null, usage: null, model: null, error: { code: 'INVALID_REQUEST' } },
      { status: 'error', reply: null, error: { code: 'PROVIDER_FAILED' } },
      { status: 'error', reply: null, error: { code: 'AUTHENTICATION_FAILED' } },
      { status: 'error', reply: 'Half an answer', error: { code: 'ANSWER_CUT' } },
      { status: 'ok', reply: expect.stringMatching(/limit of this turn/), finishReason: 'maxSteps' },
      { status: 'ok', reply: 'Fine.', finishReason: 'stop', error: null },
    ])
    expect(turnsOf(finished)[3]?.messages).toMatchObject([
      { role: 'user', content: 'cut' },
      { role: 'assistant', content: 'Half an answer' },
    ])
    expect(turnsOf(finished)[4]?.toolCalls).toMatchObject([{ name: 'calculate', result: { result: 2 } }])
    const told = linesOf(finished.stderr)
    const lines = told.filter((line) => line.includes(' error '))
    expect(lines).toEqual(reasons)
    for (const line of lines) expect(line).toMatch(/^[\d:.]+ error event chat\.turnFailed /)
    // Two each for what may pass: the server that is on fire, and the answer that was cut.
    const attempts = told.filter((line) => !lines.includes(line))
    expect(attempts).toHaveLength(4)
    for (const line of attempts)
      expect(line).toMatch(/^[\d:.]+ warning event model\.attemptFailed .*next attempt/)
    expectPointers(lines, finished)
    expectNoCanary(own, finished)
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${CANARY}`]),
    )
  })

  test('is one line after the banner in text mode, and what was said stays on stdout and in the session', async () => {
    await using server = await loopbackServer(obey)
    const own = folder.within('text')
    const options = ['--base-url', server.url, '--max-steps', '1', ...asPrompts([...asked, 'attack'])]
    const finished = await own.chat(options, { env: { OPENAI_API_KEY: CANARY } })
    expect(finished.code).toBe(1)
    expect(linesOf(finished.stdout)).toEqual([
      'Half an answer',
      'Half an answer',
      'Half an answer',
      'I stopped at the limit of this turn (maxSteps) without an answer.',
      'Fine.',
      HOSTILE_SHOWN,
    ])
    expect(linesOf(finished.stderr)[0]).toMatch(/^Busline \S+: gpt-4o-mini at 127\.0\.0\.1:\d+$/)
    const notes = [
      'The answer broke off; here is another.',
      'The turn ended at its limit of model calls with tools (--max-steps).',
    ]
    const told = complaintsOf(finished)
    const lines = told.filter((line) => !line.includes('model.attemptFailed') && !notes.includes(line))
    expect(lines).toEqual(reasons)
    expect(told.filter((line) => line === notes[0])).toHaveLength(2)
    expect(told).toContain(notes[1])
    expectPointers(lines, finished)
    expectNoCanary(own, finished)

    const [, id = ''] = /^session (\w+)/m.exec(finished.stderr) ?? []
    const said = own.session(id).messages.map(({ content }) => content)
    expect(said).toEqual(
      expect.arrayContaining(['refuse', 'cut', 'Half an answer', 'hello', 'Fine.', HOSTILE]),
    )
  })

  test('says that nobody listens when the server is down, on stdout alone with --json and --no-console', async () => {
    const server = await loopbackServer(obey)
    await server[Symbol.asyncDispose]()
    const options = ['--base-url', server.url, '--prompt', 'hi', '--json', '--no-console']
    const finished = await folder.chat(options)
    expect(finished).toMatchObject({ code: 1, stderr: '' })
    const [turn] = turnsOf(finished)
    expect(turn?.error?.code).toBe('MODEL_UNAVAILABLE')
    expect(turn?.error?.message).toMatch(
      /^Can't reach http:\S+: connection refused\. Is the server running\?$/,
    )
  })

  test('names the proxy that is dead', async () => {
    const dead = 'http://127.0.0.1:9'
    const options = ['--base-url', 'http://10.1.2.3/v1', '--prompt', 'hi']
    const finished = await folder.chat(options, { env: { HTTP_PROXY: dead, HTTPS_PROXY: dead } })
    expect(finished).toMatchObject({ code: 1, stdout: '' })
    const lines = complaintsOf(finished)
    expect(lines).toEqual([
      expect.stringMatching(
        /^Can't reach http:\/\/10\.1\.2\.3\S+ through the proxy 127\.0\.0\.1:9: .*Check HTTPS_PROXY/,
      ),
    ])
    expectPointers(lines, finished)
  })

  test('that is tried again is a warning that says when, and answers in the end', async () => {
    await using server = await loopbackServer((response, _request, index) => {
      if (index === 0) refuse(response, 503, 'overloaded')
      else say(response, 'Fine.')
    })
    const finished = await folder.chat(['--base-url', server.url, '--prompt', 'hi'])
    expect(finished).toMatchObject({ code: 0, stdout: 'Fine.\n' })
    expect(complaintsOf(finished)).toEqual([
      expect.stringMatching(
        / warning event model\.attemptFailed .*503: overloaded.* The next attempt is in \d\.\d s\.$/,
      ),
    ])
  })

  test('has status timeout after --timeout', async () => {
    await using server = await loopbackServer((response) => begin(response, 'So far'))
    const options = ['--base-url', server.url, '--prompt', 'hi', '--timeout', '0.2', '--json']
    const finished = await folder.chat(options)
    expect(finished.code).toBe(1)
    expect(turnsOf(finished)).toMatchObject([{ status: 'timeout', error: { code: 'TIMED_OUT' } }])
    expectPointers(linesOf(finished.stderr), finished)
  })
})

describe.concurrent('hostile text of a model', () => {
  test('is escaped in JSON and in event lines, and the key hidden also at level debug', async () => {
    await using server = await loopbackServer(obey)
    const own = folder.within('hostile')
    const options = ['--base-url', server.url, '--api-key', CANARY, '--json', '--log-level', 'debug']
    const finished = await own.chat([...options, ...asPrompts(['attack', 'mail', `deny`, `I am ${CANARY}`])])
    const [attack, mail, deny] = turnsOf(finished)
    expect(attack?.reply).toBe(HOSTILE)
    expect(mail?.toolCalls[0]?.arguments).toBe(JSON.stringify(HOSTILE))
    expect(deny?.error?.message).toContain('[secret]')
    expect(finished.stdout).toContain(String.raw`a\u001b]0;pwned\u0007b \u009b31mred \u202eevil\u2028`)
    for (const said of [finished.stdout, finished.stderr])
      expect(said).not.toMatch(/[^\n\P{Cc}]|[\u202e\u2028]/u)
    expect(finished.stderr).toMatch(/^[\d:.]+ debug command tool\.call \[/m)
    expect(finished.stderr).toMatch(/^[\d:.]+ debug event model\.textReceived .*deltas/m)
    const [first = '', second = '', third = ''] = linesOf(finished.stdout)
    expectNoCanary(own, { ...finished, stdout: first + second + third })
  })
})
