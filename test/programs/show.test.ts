import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApp, OpenSession, scriptedProvider, Session } from 'busline'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { begin, loopbackServer } from './fixtures/loopback-server.ts'
import { linesOf } from './fixtures/printed.ts'
import type { Finished } from './fixtures/running.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
let journal = ''
let lines: string[] = []

const Call = z.object({
  id: z.string(),
  type: z.string(),
  cause: z.string(),
  line: z.number(),
  ms: z.number().nullable(),
  status: z.string(),
})
const Turn = z.object({
  turn: z.string(),
  session: z.string(),
  line: z.number(),
  ms: z.number().nullable(),
  status: z.string(),
  reply: z.string().nullable(),
  steps: z.number(),
  calls: z.array(Call.loose()),
})

function show(...args: string[]): Promise<Finished> {
  return folder.busline('show', ...args)
}

/** Writes a journal of these lines, each whole. */
function journalWith(name: string, records: readonly string[], tail = ''): string {
  const file = join(folder.path, name)
  writeFileSync(file, records.map((line) => `${line}\n`).join('') + tail)
  return file
}

function turnsIn({ stdout }: Finished): z.output<typeof Turn>[] {
  return linesOf(stdout).map((line) => Turn.parse(JSON.parse(line)))
}

/** Index of the record that starts the tool call. */
const toolCallAt = (): number => lines.findIndex((line) => /"kind":"command","type":"tool\.call"/.test(line))

beforeAll(async () => {
  const finished = await folder.chat(['--prompt', 'And 24*7?', '--prompt', 'Hello'])
  journal = folder.journalOf(finished)
  lines = linesOf(readFileSync(journal, 'utf8'))
})

describe.concurrent('busline show', () => {
  test('tells from the file alone the turn, its two model calls, the tool call, causes and durations', async () => {
    const finished = await show(journal, '--json')
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    const [first, second, ...more] = turnsIn(finished)
    expect(more).toEqual([])
    expect(first).toMatchObject({ status: 'ok', reply: '24*7 = 168.', steps: 2, ms: expect.any(Number) })
    expect(first?.calls).toMatchObject([
      {
        type: 'model.call',
        name: 'gpt-4o-mini',
        finishReason: 'tool_calls',
        output: { calls: ['calculate'] },
      },
      { type: 'tool.call', name: 'calculate', arguments: { expression: '24*7' }, output: { result: 168 } },
      { type: 'model.call', finishReason: 'stop', output: { text: '24*7 = 168.', calls: [] } },
    ])
    for (const call of first?.calls ?? []) {
      expect(call).toMatchObject({ cause: first?.turn, status: 'ok', ms: expect.any(Number) })
      expect(lines[call.line - 1]).toContain(`"id":"${call.id}"`)
    }
    expect(second).toMatchObject({ session: first?.session, status: 'ok', steps: 1 })
  })

  test('says the same to people, without escapes', async () => {
    const { code, stdout, stderr } = await show(journal)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+ run \w+, busline \S+, node v\S+, pid \d+$/m)
    expect(stdout).toMatch(/^turn \S+ {2}session \w+ {2}line \d+ {2}[\d.]+ m?s {2}ok$/m)
    expect(stdout).toMatch(/^ {2}user {2}And 24\*7\?$/m)
    expect(stdout).toMatch(
      /^ {4}tool\.call {2}[\d.]+ ms {2}ok {2}calculate \{"expression":"24\*7"\} → .*168.*\[\S+, cause \S+, line \d+\]$/m,
    )
    expect(stdout.match(/^ {4}model\.call /gm)).toHaveLength(3)
    expect(stdout).toMatch(/^ {2}reply 24\*7 = 168\.$/m)
    expect(stdout).not.toContain('\u001b')
  })

  test('shows how far the answer of a killed process had come', async () => {
    await using server = await loopbackServer((response) => begin(response, 'Once upon ', 'a time'))
    await using running = folder.startChat([
      '--base-url',
      server.url,
      '--prompt',
      'Tell',
      '--log-level',
      'debug',
    ])
    await running.says(/model\.textReceived .*a time/, 'stderr')
    // What a line on stderr tells is on its way to the file at the end of the same tick.
    await vi.waitFor(() => expect(readFileSync(folder.journalOf(running), 'utf8')).toContain('a time'))
    running.kill('SIGKILL')
    const finished = await show(folder.journalOf(await running.finished), '--json')
    expect(turnsIn(finished)).toMatchObject([{ status: 'interrupted', ms: null, reply: 'Once upon a time' }])
  })

  test('calls what has no end in the file interrupted, and says that the last line is torn', async () => {
    const file = journalWith('cut.jsonl', lines.slice(0, toolCallAt() + 1), '{"seq":4')
    const finished = await show(file, '--json')
    expect(finished.code).toBe(0)
    expect(turnsIn(finished)).toMatchObject([
      {
        status: 'interrupted',
        ms: null,
        reply: null,
        calls: [
          { type: 'model.call', status: 'ok' },
          { type: 'tool.call', status: 'interrupted', ms: null },
        ],
      },
    ])
    expect(finished.stderr).toBe(
      `Line ${toolCallAt() + 2} of ${file} is torn (8 bytes without an end); it is no record.\n`,
    )
  })

  test.each([
    [
      'a line that is no JSON',
      (line: string) => `#${line}`,
      /^Line \d+ of \S+ is damaged: it is not a line of JSON\. .*`busline recover` mends it\.\n$/,
    ],
    [
      'data of another shape',
      (line: string) => line.replace('"name":', '"nom":'),
      /^Line \d+ of \S+ is damaged: it is no command of tool\.call\.\n$/,
    ],
  ])('ends with 3 and names the line at %s', async (_what, damage, complaint) => {
    const at = toolCallAt()
    const damaged = lines.map((line, index) => (index === at ? damage(line) : line))
    const { code, stderr } = await show(journalWith(`damaged-${complaint.source.length}.jsonl`, damaged))
    expect(code).toBe(3)
    expect(stderr).toMatch(complaint)
    expect(stderr).toContain(`Line ${at + 1} `)
  })

  test('ends with 4 for a file that is not there, and with 2 where there is no run', async () => {
    const none = join(folder.path, 'none')
    const [missing, bare] = await Promise.all([show(`${none}.jsonl`), show('--log-dir', none)])
    expect(missing).toMatchObject({ code: 4, stdout: '' })
    expect(missing.stderr).toMatch(/^The journal \S+none\.jsonl can't be read: it does not exist\.\n$/)
    expect(bare).toMatchObject({ code: 2, stdout: '' })
    expect(bare.stderr).toMatch(
      /^There is no run @latest: there is no folder \S+none\. --log-dir names another folder\.\n$/,
    )
  })

  test('shows a turn that goes on after a crash, and one whose input was refused', async () => {
    const file = join(folder.path, 'resumed.jsonl')
    const app = createApp({ provider: scriptedProvider(['Here you are.', 'Fine.']), journal: file })
    app.bus.use(
      async (_message, next) => ({
        ...Session.parse(await next()),
        messages: [{ id: 't/0', turn: 't', role: 'user', content: 'asked before the crash' }],
        openTurn: 't',
      }),
      { for: [OpenSession] },
    )
    await app.chat('s1').resume()
    // @ts-expect-error what a program without types may send
    await expect(app.chat('s1').send(42)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    await app.chat('s1').send('hello')
    await app.stop()

    const { code, stdout, stderr } = await show(file)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^turn t .* ok\n {2}goes on from where it was left\n(?: {4}.*\n)+ {2}reply Here you are\.$/m,
    )
    expect(stdout).toMatch(/VALIDATION_FAILED/)
    expect(stdout).toMatch(/^ {2}reply Fine\.$/m)
  })

  test('is quiet when its reader has enough', async () => {
    const many = Array.from({ length: 400 }, (_, index) =>
      lines.map((line, at) => line.replace(/"seq":\d+/, `"seq":${index * lines.length + at}`)),
    ).flat()
    const file = journalWith('long.jsonl', many)
    const finished = await folder.shell(
      '"$@" | head -1; exit ${PIPESTATUS[0]}',
      folder.command('busline', ['show', file]),
    )
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(linesOf(finished.stdout)).toHaveLength(1)
  })
})
