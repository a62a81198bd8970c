import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fork } from '../../programs/busline/fork.ts'
import { replay } from '../../programs/busline/replay.ts'
import { test as testCommand } from '../../programs/busline/test.ts'
import { openConversation } from '../../programs/function-chat/conversation.ts'
import { parseOptions } from '../../programs/function-chat/options.ts'
import { call, loopbackServer, say } from './fixtures/loopback-server.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sessions = join(folder, 'sessions')
const KEY = 'sk-a-key-that-nobody-may-read'

/** Runs a turn of function-chat against a model that calls a tool twice before it answers; resolves to the journal and the session. */
async function recorded(...args: string[]): Promise<{ journal: string; session: string }> {
  await using server = await loopbackServer((response, { messages }) => {
    const asked = messages.filter(({ role }) => role === 'tool').length
    if (asked < 2) call(response, 'calculate', { expression: `${asked}+1` })
    else say(response, 'Done.')
  })
  const dirs = ['--sessions-dir', sessions, '--log-dir', mkdtempSync(join(folder, 'logs-'))]
  const asked = ['--base-url', server.url, '--api-key', KEY, ...dirs, ...args]
  const { app, chat, journal } = await openConversation(parseOptions(asked, {}), { write: () => undefined })
  await chat.send('And 24*7?')
  await app.stop()
  return { journal, session: chat.session }
}

function startOf(journal: string): { type: string; data: unknown } {
  return JSON.parse(linesOf(readFileSync(journal, 'utf8'))[1] ?? '')
}

describe.concurrent('a run of function-chat', () => {
  test.each([
    [[]],
    [['--max-steps', '1']],
    [['--max-steps', '2']],
    [['--model', 'other-model']],
    [['--system-prompt', 'Be brief.']],
    [['--no-stream']],
    [['--max-steps', '1', '--model', 'm', '--system-prompt', '', '--session-name', 'Sums']],
  ])('with %j is run again from its journal alone', async (args) => {
    const { journal } = await recorded(...args)
    const { code, stdout } = await runCommand(replay, [journal])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^The replay is identical/) })
  })

  test('that goes on with a session under other options is run again, too', async () => {
    const { session } = await recorded('--max-steps', '1')
    const { journal } = await recorded('--session', session, '--model', 'another', '--max-steps', '1')
    expect(await runCommand(replay, [journal])).toMatchObject({ code: 0 })
  })

  test('begins with the options that it was given, and no other', async () => {
    const bare = await recorded()
    const { journal } = await recorded('--max-steps', '3', '--no-stream')
    expect(startOf(bare.journal)).toMatchObject({ kind: 'event', type: 'functionChat.started', data: {} })
    expect(startOf(journal).data).toEqual({ stream: false, maxSteps: 3 })
  })

  test('tells neither key nor server', async () => {
    const { journal } = await recorded('--max-steps', '1')
    expect(readFileSync(journal, 'utf8')).not.toMatch(new RegExp(`${KEY}|127\\.0\\.0\\.1`))
  })

  test('is a test that passes, kept with its options', async () => {
    const { journal } = await recorded('--max-steps', '1')
    const dir = join(folder, 'kept')
    const added = await runCommand(testCommand, ['add', journal, '--dir', dir, '--name', 'sums'])
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(join(dir, 'sums.test.ts'), 'utf8')).toMatch(
      /import \{ chatApp \}[^]*chatApp\({"maxSteps":1}\)/,
    )
    const ran = await runCommand(testCommand, ['run', dir, '--json'])
    expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'pass', app: null })
  })

  test('is forked with its options', async () => {
    const { journal } = await recorded('--max-steps', '1')
    const to = join(folder, 'fork.jsonl')
    const args = ['--run', '--offline', '--tools', 'live', '--to', to]
    expect(await runCommand(fork, [journal, ...args])).toMatchObject({ code: 0 })
    expect(readFileSync(to, 'utf8')).toContain('"finishReason":"maxSteps"')
  })

  test('whose options are damaged is refused, with the line and the field', async () => {
    const { journal } = await recorded('--max-steps', '1')
    const damaged = join(folder, 'damaged.jsonl')
    writeFileSync(damaged, readFileSync(journal, 'utf8').replace('"maxSteps":1', '"maxSteps":"many"'))
    const ran = await runCommand(replay, [damaged])
    expect(ran).toMatchObject({ code: 3, stdout: '' })
    expect(ran.stderr).toMatch(/^Line 2 of \S+damaged\.jsonl .* data\.maxSteps: .*--app/)
  })
})
