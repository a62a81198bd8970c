import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { begin, loopbackServer, type LoopbackServer } from './fixtures/loopback-server.ts'
import { complaintsOf, linesOf, recordPointedAt, turnsOf } from './fixtures/printed.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
const twoPrompts = ['--prompt', 'First', '--prompt', 'Second']
const HALF = 'Once upon a time'

/** Begins each answer and never ends it. */
function slowServer(): Promise<LoopbackServer> {
  return loopbackServer((response) => begin(response, HALF))
}

const whatStays = [
  { role: 'user', content: 'First' },
  { role: 'assistant', content: HALF },
]

describe.concurrent('function-chat, stopped from outside', () => {
  test('cancels the turn at Ctrl-C, prints and keeps what had come of it, and runs no later turn', async () => {
    await using server = await slowServer()
    const options = ['--base-url', server.url, '--json', '--log-level', 'debug']
    await using running = folder.startChat([...options, ...twoPrompts])
    await running.says(/model\.textReceived .*Once upon/, 'stderr')
    running.kill('SIGINT')
    const finished = await running.finished
    const [line, ...more] = turnsOf(finished)
    expect(finished.code).toBe(130)
    expect(more).toEqual([])
    expect(server.requests).toHaveLength(1)
    expect(line).toMatchObject({
      status: 'cancelled',
      reply: HALF,
      messages: whatStays,
      error: { code: 'CANCELLED', message: 'Cancelled with Ctrl-C.' },
    })
    expect(folder.session(line?.session ?? '').messages).toMatchObject(whatStays)
  })

  test('does the same at SIGTERM, in text mode with one line that says where to look', async () => {
    await using server = await slowServer()
    await using running = folder.startChat(['--base-url', server.url, ...twoPrompts])
    await running.says(/Once upon/)
    running.kill('SIGTERM')
    const finished = await running.finished
    expect(finished).toMatchObject({ code: 130, stdout: `${HALF}\n` })
    const [line = '', ...more] = complaintsOf(finished)
    expect(line).toMatch(/^Cancelled by SIGTERM\. \(/)
    expect(recordPointedAt(line)).toBe('chat.turnCancelled')
    expect(more).toEqual([])

    const [, id = ''] = /^session (\w+)/m.exec(finished.stderr) ?? []
    expect(folder.session(id).messages).toMatchObject(whatStays)
    const journal = readFileSync(folder.journalOf(finished), 'utf8')
    expect(linesOf(journal).at(-1)).toMatch(/"kind":"result","type":"chat\.runTurn".*"status":"cancelled"/)
  })

  test('leaves at Ctrl-C while it waits for the next line of a pipe', async () => {
    await using running = folder.startChat(['--json'])
    running.write('2+2\n')
    await running.says(/168|4\./)
    running.kill('SIGINT')
    expect(await running.finished).toMatchObject({ code: 130, stderr: '' })
  })
})

describe.concurrent('function-chat, whose stdout is closed', () => {
  const prompts = ['1', '2', '3', '4', '5', '6'].flatMap((number) => ['--prompt', `${number}+0`])

  test.each([
    ['in JSON', ['--json']],
    ['in text', []],
  ])('runs no later turns, exits with 4, and says so in one line: %s', async (_what, mode) => {
    const own = folder.within(`closed${mode.length}`)
    const command = own.chatCommand([...mode, ...prompts])
    const finished = await own.shell('"$@" | head -1; exit ${PIPESTATUS[0]}', command)
    expect(finished.code).toBe(4)
    expect(linesOf(finished.stdout)).toEqual([expect.stringContaining('1+0 = 1.')])
    const [line = '', ...more] = complaintsOf(finished)
    expect(more).toEqual([])
    const [, id = ''] = /^Stdout was closed\. Session (\w+) holds what was said\.$/.exec(line) ?? []

    const asked = own.session(id).messages.filter(({ role }) => role === 'user')
    expect(asked[0]).toMatchObject({ content: '1+0' })
    expect(asked.length).toBeLessThan(6)
    expect(own.session(id).messages.map(({ content }) => content)).toContain('1+0 = 1.')
  })

  test('says which device is full, and runs no turn after the first', async () => {
    const own = folder.within('full')
    const help = await own.shell('"$@" > /dev/full', own.chatCommand(['--help']))
    expect(help).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^Stdout can't be written: ENOSPC.*\n$/),
    })
    const finished = await own.shell('"$@" > /dev/full', own.chatCommand(['--json', ...prompts]))
    expect(finished.code).toBe(4)
    expect(linesOf(finished.stderr)).toEqual([
      expect.stringMatching(/^Stdout can't be written: ENOSPC.* Session/),
    ])
    const [, id = ''] = /Session (\w+) holds/.exec(finished.stderr) ?? []
    expect(own.session(id).messages.filter(({ role }) => role === 'user')).toHaveLength(1)
  })
})
