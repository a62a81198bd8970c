import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loopbackServer, say } from './fixtures/loopback-server.ts'
import { linesOf, TurnLine, turnsOf } from './fixtures/printed.ts'
import type { Finished } from './fixtures/running.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
const KEYS = Object.keys(TurnLine.shape)
const QUESTIONS = ["What's the weather in San Francisco, CA?", 'And 24*7?'] as const
const asPrompts = QUESTIONS.flatMap((text) => ['--prompt', text])

/** All that the contract says of the first two turns, when they are the two questions. */
function expectBothAnswered(finished: Finished): void {
  expect(linesOf(finished.stdout).map((line) => Object.keys(JSON.parse(line)))[0]).toEqual(KEYS)
  const [weather, sum] = turnsOf(finished)
  expect(weather).toMatchObject({
    status: 'ok',
    finishReason: 'stop',
    model: 'gpt-4o-mini',
    error: null,
    toolCalls: [{ name: 'get_weather', arguments: { location: 'San Francisco, CA' }, error: null }],
    usage: { calls: 2 },
    messages: [
      { role: 'user', content: QUESTIONS[0] },
      { role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'get_weather' } }] },
      { role: 'tool' },
      { role: 'assistant', content: weather?.reply },
    ],
  })
  expect(weather?.toolCalls[0]?.result).toMatchObject({ location: 'San Francisco, CA', simulated: true })
  expect(weather?.reply).toMatch(/San Francisco, CA.*simulated/)
  expect(JSON.stringify(weather?.messages)).toContain(String.raw`"arguments":"{\"location\":`)
  expect(weather?.messages.every((message) => !('id' in message) && !('turn' in message))).toBe(true)

  expect(sum).toMatchObject({
    session: weather?.session,
    status: 'ok',
    toolCalls: [{ name: 'calculate', result: { expression: '24*7', result: 168 } }],
  })
  expect(sum?.reply).toContain('168')
  expect(sum?.turn).not.toBe(weather?.turn)
}

describe.concurrent('function-chat for programs', () => {
  test('answers each --prompt from tool results, one object a turn', async () => {
    const finished = await folder.chat([...asPrompts, '--json'])
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(turnsOf(finished)).toHaveLength(2)
    expectBothAnswered(finished)
  })

  test('answers the same without streaming, whatever proxy and server the environment sets', async () => {
    const dead = 'http://127.0.0.1:9'
    const proxies = { HTTP_PROXY: dead, HTTPS_PROXY: dead, ALL_PROXY: dead }
    const env = { ...proxies, OPENAI_BASE_URL: 'nonsense', OPENAI_API_KEY: 'sk-canary-4711' }
    const options = ['--json', '--no-stream', '--offline']
    const finished = await folder.chat([...asPrompts, ...options, '--prompt', 'I am sk-canary-4711'], { env })
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expectBothAnswered(finished)
    // A key that is not used is not recorded either.
    expect(readFileSync(folder.journalOf(finished), 'utf8')).not.toContain('canary')
  })

  test('answers each line of a pipe, obeys commands in it, skips empty lines, and tells strange ones once', async () => {
    const megabyte = 'a'.repeat(1_000_000)
    const lines = [...QUESTIONS, '', '/usage', `3+3\r`, '  ', '/nonsense now', megabyte]
    const binary = [0x89, 0x50, 0xff, 0x0a, 0xfe, 0xfd, 0x0a, 0x00, 0x0a]
    const input = Buffer.concat([
      Buffer.from(`${lines.join('\n')}\n`),
      Buffer.from(binary),
      Buffer.from('quit\n5+5'),
    ])
    const finished = await folder.chat(['--json'], { input })
    expectBothAnswered(finished)
    const later = turnsOf(finished).slice(2)
    expect(later.map(({ messages }) => messages[0]?.content)).toEqual(['3+3', megabyte])
    expect(later.map(({ reply }) => reply)).toEqual(['3+3 = 6.', expect.stringMatching(/offline/)])
    expect(linesOf(finished.stderr)).toEqual([
      expect.stringMatching(/^2 turns, 4 model calls: \d+ tokens in, \d+ out$/),
      'There is no command /nonsense now. /help lists them.',
      'Line 9 of the input is not UTF-8 text. It was not sent, nor will be others like it.',
    ])
    expect(finished.code).toBe(4)
  })

  test('prints only the replies on stdout in text mode, without colours, and the banner on stderr', async () => {
    const finished = await folder.busline('chat', ...folder.options, ...asPrompts)
    const [weather, sum, ...more] = linesOf(finished.stdout)
    expect(finished.code).toBe(0)
    expect(weather).toMatch(/^The weather in San Francisco, CA: .*\(simulated\)\.$/)
    expect(sum).toBe('24*7 = 168.')
    expect(more).toEqual([])
    const [first, second, ...others] = linesOf(finished.stderr)
    const journal = folder.journalOf(finished)
    expect(basename(journal)).toMatch(/^\d{8}T\d{6}-\d+\.jsonl$/)
    expect(first).toMatch(/^Busline \d.*offline model/)
    expect(second).toMatch(/^session [a-z0-9]{10} \(new\)/)
    expect(second).toContain(journal)
    expect(others).toEqual([])
    expect(finished.stdout + finished.stderr).not.toContain('\u001b')
  })
})

describe.concurrent('sessions of function-chat', () => {
  test('keep name, model and prompt, go on where they ended, and are listed', async () => {
    await using server = await loopbackServer((response, { messages }) => say(response, `${messages.length}`))
    const own = folder.within('resumed')
    const base = ['--base-url', server.url, '--json']
    const about = ['--model', 'first-model', '--session-name', 'Trip', '--system-prompt', 'Be brief.']
    const first = await own.chat([...base, ...about, '--prompt', 'I have 25 blue birds.'])
    const id = turnsOf(first)[0]?.session ?? ''
    const resumed = [...base, '--session', id]
    const second = await own.chat([...resumed, '--prompt', '/usage', '--log-level', 'info'])
    const third = await own.chat([...resumed, '--model', 'other-model', '--prompt', 'And now?'])

    expect([first, second, third].map(({ code }) => code)).toEqual([0, 0, 0])
    expect(second.stderr).toMatch(/^[\d:.]+ info event chat\.turnFinished \[/m)
    expect(second.stderr).not.toMatch(/ debug |command/)
    expect(server.requests.map(({ model }) => model)).toEqual(['first-model', 'first-model', 'other-model'])
    // What --prompt says goes to the model, a slash or not.
    expect(server.requests[1]?.messages).toMatchObject([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'I have 25 blue birds.' },
      { role: 'assistant', content: '2' },
      { role: 'user', content: '/usage' },
    ])
    expect(own.session(id)).toMatchObject({ name: 'Trip', model: 'other-model', systemPrompt: 'Be brief.' })

    const [json, text] = await Promise.all([
      own.chat(['--list-sessions', '--json']),
      own.chat(['--list-sessions']),
    ])
    const [line = '', ...more] = linesOf(json.stdout)
    expect(more).toEqual([])
    expect(Object.keys(JSON.parse(line))).toEqual(['id', 'name', 'model', 'turns', 'updatedAt'])
    const updatedAt: unknown = expect.any(Number)
    expect(JSON.parse(line)).toEqual({ id, name: 'Trip', model: 'other-model', turns: 3, updatedAt })
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(new RegExp(`^  ${id}  3 turns  .*other-model  Trip\n$`))
  })

  test('that can not be read are left out of the list, each with a line that says why', async () => {
    const own = folder.within('unreadable')
    mkdirSync(own.sessions, { recursive: true })
    writeFileSync(join(own.sessions, 'damaged.json'), '{"v":1,')
    const finished = await own.chat(['--list-sessions'])
    expect(finished).toMatchObject({ code: 3, stdout: `No sessions in ${own.sessions}.\n` })
    expect(linesOf(finished.stderr)).toEqual([
      expect.stringMatching(/^Session damaged is left out of the list\. .*Repair it/),
    ])
  })

  test('are not left behind by a run in which nothing was said', async () => {
    const own = folder.within('empty')
    expect(await own.chat([])).toMatchObject({ code: 0, stdout: '' })
    expect(readdirSync(own.sessions)).toEqual([])
  })
})

describe.concurrent('function-chat tells', () => {
  test('its options with --help, each of them', async () => {
    const { code, stdout, stderr } = await folder.chat(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const options =
      'model api-key base-url offline system-prompt session session-name list-sessions sessions-dir prompt json no-stream max-steps timeout log-dir log-level no-console help version'
    for (const option of options.split(' ')) expect(stdout).toContain(`--${option}`)
  })

  test('its version with --version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await folder.chat(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})
