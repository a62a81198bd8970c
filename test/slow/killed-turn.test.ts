import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonFileSessions, MessageBus, OpenSession, readJournal, type ConversationMessage } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { expectValidHistory } from './fixtures/valid-history.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'busline-kill-'))

function run(
  script: string,
  args: string[],
): Promise<{ stdout: string; stderr: string; code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', join(root, script), ...args],
      { cwd: root, env: { PATH: process.env['PATH'] } },
      (_error, stdout, stderr) => resolve({ stdout, stderr, code: child.exitCode, signal: child.signalCode }),
    )
  })
}

const killed = (at: number) =>
  run('test/slow/fixtures/killed-turn.ts', [join(folder, `${at}`), join(folder, `${at}.jsonl`), String(at)])

const Line = z.looseObject({ status: z.string(), reply: z.string() })

test(
  'a turn killed at any of its records leaves a session that opens, has all that was acknowledged, and goes on',
  { timeout: 600_000 },
  async () => {
    const whole = await killed(0)
    const records = Number(/records (\d+)/.exec(whole.stdout)?.[1])
    expect(records).toBeGreaterThan(25)

    const boundaries = Array.from({ length: records }, (_, index) => index + 1)
    const check = async (at: number): Promise<void> => {
      const { stdout, signal } = await killed(at)
      expect(signal).toBe('SIGKILL')
      const acknowledged = stdout.split('\n').filter(Boolean)
      for await (const record of readJournal(join(folder, `${at}.jsonl`)))
        expect(record.seq).toBeGreaterThanOrEqual(0)

      const sessions = join(folder, `${at}`)
      // Killed before the session was opened there is nothing to resume; opening it is then the same as beginning.
      const before = await messagesOf(sessions)
      for (const id of acknowledged) expect(before.map((message) => message.id)).toContain(id)

      const args = [
        '--offline',
        '--session',
        's1',
        '--sessions-dir',
        sessions,
        '--log-dir',
        join(folder, 'logs'),
        '--prompt',
        'And 24*7?',
        '--json',
      ]
      const next = await run('programs/function-chat.ts', args)
      // Only that the turn before was interrupted, where it had begun.
      expect(next.stderr).toMatch(/^(?:\S+ error event chat\.turnFailed .* INTERRUPTED: .*\n)?$/)
      expect(next.code).toBe(0)
      expect(Line.parse(JSON.parse(next.stdout))).toMatchObject({
        status: 'ok',
        reply: expect.stringContaining('168'),
      })

      const after = await messagesOf(sessions)
      expect(after.slice(0, before.length)).toEqual(before)
      expectValidHistory(after)
      rmSync(sessions, { recursive: true })
    }

    while (boundaries.length > 0) await Promise.all(boundaries.splice(0, 2).map(check))
    rmSync(folder, { recursive: true })
  },
)

async function messagesOf(sessions: string): Promise<ConversationMessage[]> {
  await using bus = new MessageBus()
  bus.attach(jsonFileSessions(sessions))
  return (await bus.execute(OpenSession, { id: 's1' })).messages
}
