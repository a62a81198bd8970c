import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { begin, end, loopbackServer, say, type LoopbackServer } from '../programs/fixtures/loopback-server.ts'
import { describe, expect, test, vi } from 'vitest'
import { WorkFolder } from '../programs/fixtures/work-folder.ts'
import { Terminal } from '../programs/fixtures/terminal.ts'

const folder = WorkFolder.forFile()

function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Terminal> {
  return Terminal.start(folder.chatCommand(args), env)
}

/** The prompt, empty, as the last thing on the screen. */
const PROMPT = /› *$/

describe.concurrent('function-chat in a terminal', () => {
  test('chats, shows each tool call in a line, and obeys its commands', async () => {
    const own = folder.within('talk')
    const other = { v: 1, id: 'other', name: null, version: 1, model: 'm', systemPrompt: null }
    mkdirSync(own.sessions, { recursive: true })
    writeFileSync(
      join(own.sessions, 'other.json'),
      JSON.stringify({ ...other, createdAt: 0, updatedAt: 0, context: {}, messages: [] }),
    )
    await using terminal = await Terminal.start(own.chatCommand(['--session-name', 'Trip']))
    const banner = await terminal.shows(PROMPT)
    expect(banner).toMatch(/^Busline \S+: built-in offline model/m)
    expect(banner).toMatch(/^session \w+ "Trip" \(new\), journal \S+; \/help lists the commands/m)

    await terminal.type("What's the weather in Rome?")
    const answered = await terminal.shows(/tokens in.*\n› *$/)
    expect(answered).toMatch(
      /^ {2}✓ get_weather \{"location":"Rome","unit":"celsius"\} → \{.*"simulated":true\}\nThe weather in Rome: 23 °C, windy \(simulated\)\.\n {2}\d+ tokens in, \d+ out, 2 model calls$/m,
    )

    await terminal.type('/sessions')
    await terminal.shows(/\n\* \w+ +1 turn .* Trip\n {2}other +0 turns .*\n› *$/)
    await terminal.type('/system Be brief.')
    await terminal.shows(/The system prompt is set\.\n› *$/)
    await terminal.type('/clear')
    await terminal.shows(/The messages are forgotten; the system prompt stays\.\n› *$/)
    await terminal.type('/system')
    await terminal.shows(/› \/system\nBe brief\.\n› *$/)
    await terminal.type('/tools')
    await terminal.shows(/get_weather: .*simulated.*\n.*send_email: .*\n.*calculate: .*/)
    await terminal.type('/usage')
    await terminal.shows(/1 turn, 2 model calls: \d+ tokens in, \d+ out\n› *$/)
    await terminal.type('/help')
    await terminal.shows(/\/exit +leave.*\n› *$/)
    await terminal.type('/nonsense')
    await terminal.shows(/There is no command \/nonsense\. \/help lists them\.\n› *$/)

    await terminal.press('Up', 'Up', 'Up', 'Up', 'Up')
    await terminal.shows(/› \/system$/)
    await terminal.press('C-u')
    await terminal.type('exit')
    expect(await terminal.shows(/ended with/)).toMatch(
      /^To go on with this session: --session \w+\nended with 0$/m,
    )
  })

  test('cancels an answer at Ctrl-C and goes on, answers pasted lines in order, and resumes with the whole history', async () => {
    const open: ServerResponse[] = []
    await using server = await loopbackServer((response, { messages }) => {
      const last = String(messages.at(-1)?.content)
      if (last !== 'hold') return say(response, `You said ${last}.`)
      begin(response, 'Once ', 'upon ')
      open.push(response)
    })
    const base = ['--base-url', server.url]

    await using first = await start(base)
    await first.shows(PROMPT)
    await first.type('hold')
    await first.shows(/^Once upon$/m)
    await first.press('C-c')
    await first.shows(/^Once upon\nCancelled with Ctrl-C\. \(\S+:\d+\)\n› *$/m)

    await first.type('hold')
    await first.shows(/(?:Once upon[^]*){2}/)
    await first.paste('one\ntwo\nthree\nfour')
    // What is typed meanwhile does not disturb the answer; then the lines are taken, and the last one waits for Enter.
    expect(await first.screen()).toMatch(/› hold\nOnce upon$/)
    for (const response of open) end(response)
    await first.shows(
      /› one\nYou said one\.\n.*tokens.*\n› two\nYou said two\.\n.*\n› three\nYou said three\.\n.*\n› four$/,
    )
    expect(await first.screen('styled')).toContain('\u001b[')
    await first.press('C-c')
    const left = await first.shows(/ended with \d/)
    expect(left).toMatch(/ended with 0/)
    await first[Symbol.asyncDispose]()

    const [, id = ''] = /--session (\w+)/.exec(left) ?? []
    await using second = await start([...base, '--session', id], { NO_COLOR: '1' })
    expect(await second.shows(PROMPT)).toMatch(/^session \w+ \(resumed, 10 messages\)/m)
    await second.type('five')
    await second.shows(/You said five\.\n.*\n› *$/)
    expect(await second.screen('styled')).not.toContain('\u001b')
    const held = ['hold', 'Once upon ', 'hold', 'Once upon ']
    const pasted = ['one', 'You said one.', 'two', 'You said two.', 'three', 'You said three.']
    expect(said(server)).toEqual([...held, ...pasted, 'five'])

    await second.type('/clear')
    await second.shows(/system prompt stays\.\n› *$/)
    await second.type('six')
    await second.shows(/You said six\.\n.*\n› *$/)
    expect(said(server)).toEqual(['six'])
    expect(server.requests.map(({ messages }) => messages[0])).toEqual(
      server.requests.map(() => ({ role: 'system', content: expect.stringContaining('helpful assistant') })),
    )
    await second.press('C-d')
    await second.shows(/ended with 0/)
  })

  test('keeps what had been said when the terminal goes away', async () => {
    await using server = await loopbackServer((response) => begin(response, 'Once upon'))
    const own = folder.within('gone')
    await using terminal = await Terminal.start(own.chatCommand(['--base-url', server.url]))
    await terminal.shows(PROMPT)
    await terminal.type('Tell')
    await terminal.shows(/Once upon/)
    const [id = ''] = readdirSync(own.sessions).map((name) => name.split('.')[0])
    await terminal[Symbol.asyncDispose]()

    await vi.waitFor(() => expect(existsSync(join(own.sessions, `${id}.lock`))).toBe(false), 10_000)
    expect(own.session(id).messages).toMatchObject([{ content: 'Tell' }, { content: 'Once upon' }])
  })
})

/** What was said in the history of the last request, without the system prompt. */
function said({ requests }: LoopbackServer): unknown[] {
  return (
    requests
      .at(-1)
      ?.messages.slice(1)
      .map(({ content }) => content) ?? []
  )
}
