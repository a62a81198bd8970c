import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  complaintsOf,
  linesOf,
  TurnLine,
  turnsOf,
  WorkFolder,
  type Finished,
} from './fixtures/run-program.ts'
import { call, loopbackServer, say } from './fixtures/loopback-server.ts'

const folder = WorkFolder.forFile()
const KEYS = Object.keys(TurnLine.shape)
const QUESTIONS = ["What's the weather in San Francisco, CA?", 'And 24*7?'] as const
const asPrompts = QUESTIONS.flatMap((text) => ['--prompt', text])

/** All that the contract says of the two turns above. */
function expectBothAnswered(finished: Finished): void {
  const { code, stdout, stderr } = finished
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(linesOf(stdout).map((line) => Object.keys(JSON.parse(line)))).toEqual([KEYS, KEYS])

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
    expectBothAnswered(await folder.chat([...asPrompts, '--json']))
  })

  test('answers each line of a pipe the same way', async () => {
    expectBothAnswered(await folder.chat(['--json'], { input: QUESTIONS.join('\n') }))
  })

  test('answers the same without streaming, whatever proxy the environment sets', async () => {
    const dead = 'http://127.0.0.1:9'
    const env = { HTTP_PROXY: dead, HTTPS_PROXY: dead, ALL_PROXY: dead, http_proxy: dead }
    expectBothAnswered(await folder.chat([...asPrompts, '--json', '--no-stream', '--offline'], { env }))
  })

  test('prints only the replies on stdout in text mode, without colours, and the banner on stderr', async () => {
    const finished = await folder.chat(asPrompts)
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

  test('takes piped slash commands, exit and quit as commands, skips empty lines, and sends --prompt as it is', async () => {
    const lines = ['', '/usage', '2+2', '  ', '/nonsense now', 'quit', '3+3']
    const [piped, prompted] = await Promise.all([
      folder.chat(['--json'], { input: lines.join('\n') }),
      folder.chat(['--json', '--prompt', '/usage', '--prompt', 'exit']),
    ])
    expect(turnsOf(piped).map(({ reply }) => reply)).toEqual(['2+2 = 4.'])
    expect(linesOf(piped.stderr)).toEqual([
      '0 turns, 0 model calls: 0 tokens in, 0 out',
      'There is no command /nonsense now. /help lists them.',
    ])
    expect(piped.code).toBe(2)
    expect(turnsOf(prompted).map(({ messages }) => messages[0]?.content)).toEqual(['/usage', 'exit'])
    expect(prompted.code).toBe(0)
  })

  test('asks once more without tools at --max-steps, so that the reply is not empty', async () => {
    await using server = await loopbackServer((response, { tools }, index) => {
      if (tools || index > 1) call(response, 'calculate', { expression: '1+1' })
      else say(response, 'I give ', 'up.')
    })
    const args = ['--base-url', server.url, '--max-steps', '1', '--json', '--prompt', 'Go', '--prompt', 'Go']
    const finished = await folder.chat(args)
    const [polite, stubborn] = turnsOf(finished)
    expect(finished.code).toBe(0)
    expect(polite).toMatchObject({ status: 'ok', finishReason: 'maxSteps', reply: 'I give up.' })
    expect(polite?.toolCalls).toMatchObject([{ name: 'calculate', result: { result: 2 } }])
    expect(stubborn).toMatchObject({ status: 'ok', finishReason: 'maxSteps' })
    expect(stubborn?.reply).toMatch(/limit of this turn/)
  })

  test('says in text mode too what the engine says at a limit', async () => {
    await using server = await loopbackServer((response) =>
      call(response, 'calculate', { expression: '1+1' }),
    )
    const { stdout } = await folder.chat(['--base-url', server.url, '--max-steps', '1', '--prompt', 'Go'])
    expect(stdout).toMatch(/^I stopped at the limit of this turn.*\n$/)
  })
})

describe.concurrent('event lines on stderr', () => {
  test('tell of ordinary events at info and of commands and deltas at debug', async () => {
    const [info, debug] = await Promise.all(
      ['info', 'debug'].map((level) => folder.chat(['--json', '--prompt', '2+2', '--log-level', level])),
    )
    expect(info?.stderr).toMatch(/^[\d:.]+ info event chat\.turnFinished \[/m)
    expect(info?.stderr).not.toMatch(/ debug |command/)
    expect(debug?.stderr).toMatch(/^[\d:.]+ debug command tool\.call \[.*"2\+2"/m)
    expect(debug?.stderr).toMatch(/^[\d:.]+ debug event model\.textReceived .*deltas/m)
  })

  test('are not written with --no-console, even of a failure', async () => {
    await using server = await loopbackServer((response) => response.writeHead(400).end('no'))
    const args = ['--base-url', server.url, '--prompt', 'hi', '--no-console']
    const [json, text] = await Promise.all([folder.chat([...args, '--json']), folder.chat(args)])
    expect(json).toMatchObject({ code: 1, stderr: '' })
    expect(complaintsOf(text)).toEqual([expect.stringContaining('answered 400')])
  })
})

describe.concurrent('sessions of function-chat', () => {
  test('keep name, model and prompt, are listed, and go on where they ended', async () => {
    await using server = await loopbackServer((response, { messages }) => say(response, `${messages.length}`))
    const own = folder.within('resumed')
    const base = ['--base-url', server.url, '--json']
    const about = ['--model', 'first-model', '--session-name', 'Trip', '--system-prompt', 'Be brief.']
    const first = await own.chat([...base, ...about, '--prompt', 'I have 25 blue birds.'])
    const id = turnsOf(first)[0]?.session ?? ''
    const second = await own.chat([...base, '--session', id, '--prompt', 'How many birds?'])
    const third = await own.chat([...base, '--session', id, '--model', 'other-model', '--prompt', 'And now?'])

    expect([first, second, third].map(({ code }) => code)).toEqual([0, 0, 0])
    expect(server.requests.map(({ model }) => model)).toEqual(['first-model', 'first-model', 'other-model'])
    expect(server.requests[1]?.messages).toMatchObject([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'I have 25 blue birds.' },
      { role: 'assistant', content: '2' },
      { role: 'user', content: 'How many birds?' },
    ])
    expect(own.session(id)).toMatchObject({ name: 'Trip', model: 'other-model', systemPrompt: 'Be brief.' })

    const [json, text] = await Promise.all([
      own.chat(['--list-sessions', '--json']),
      own.chat(['--list-sessions']),
    ])
    const [line = '', ...more] = linesOf(json.stdout)
    expect(more).toEqual([])
    expect(Object.keys(JSON.parse(line))).toEqual(['id', 'name', 'model', 'turns', 'updatedAt'])
    expect(JSON.parse(line)).toEqual({
      id,
      name: 'Trip',
      model: 'other-model',
      turns: 3,
      updatedAt: expect.any(Number),
    })
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(new RegExp(`^  ${id}  3 turns  .*other-model  Trip\n$`))
  })

  test('are not left behind by a run in which nothing was said', async () => {
    const own = folder.within('empty')
    const empty = await own.chat([])
    expect(empty).toMatchObject({ code: 0, stdout: '' })
    expect(await own.chat(['--list-sessions'])).toMatchObject({
      code: 0,
      stdout: `No sessions in ${own.sessions}.\n`,
    })
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
