import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, PROMPTS, type ProductRuns } from './fixtures/product-runs.ts'

const copies = mkdtempSync(join(tmpdir(), 'busline-sessions-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

/** The sessions as the chats left them, for one test: whoever reads a session holds it meanwhile. */
function ownSessions(name: string): string {
  const dir = join(copies, name)
  cpSync(runs.sessions, dir, { recursive: true })
  return dir
}

const rows = (stdout: string) => linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))

describe.concurrent('sessions', { timeout: 120_000 }, () => {
  test('list tells the sessions of a folder, show one by the beginning of its id', async () => {
    const dir = ['--sessions-dir', ownSessions('listed')]
    const [list, show] = await Promise.all([
      busline('sessions', 'list', ...dir, '--json'),
      busline('sessions', 'show', runs.session.slice(0, 6), ...dir),
    ])
    expect([list.code, show.code]).toEqual([0, 0])
    expect(rows(list.stdout)).toContainEqual(expect.objectContaining({ id: runs.session, turns: 5 }))
    for (const text of PROMPTS) expect(show.stdout).toContain(text)
  })

  test('rebuild makes the session again from the run alone, message by message the same', async () => {
    const rebuilt = join(copies, 'rebuilt')
    const { code } = await busline('sessions', 'rebuild', runs.again, '--sessions-dir', rebuilt)
    expect(code).toBe(0)
    const [before, after] = await Promise.all(
      [ownSessions('before'), rebuilt].map((dir) =>
        busline('sessions', 'show', runs.session, '--sessions-dir', dir, '--json'),
      ),
    )
    expect(rows(after?.stdout ?? '').length).toBeGreaterThan(10)
    expect(rows(after?.stdout ?? '')).toEqual(rows(before?.stdout ?? ''))
  })

  test('export gives the messages for a server, without ours', async () => {
    const { code, stdout } = await busline(
      'sessions',
      'export',
      runs.session,
      '--sessions-dir',
      ownSessions('exported'),
      '--format',
      'openai',
    )
    expect(code).toBe(0)
    const { messages } = JSON.parse(stdout)
    expect(messages.filter(({ role }: { role: string }) => role === 'user')).toHaveLength(5)
    expect(stdout).not.toMatch(/"meta"|"turn"/)
  })

  test('delete takes one session away, and no other', async () => {
    const dir = ownSessions('deleting')
    const all = ['sessions', 'list', '--sessions-dir', dir, '--json'] as const
    const before = rows((await busline(...all)).stdout)
    const { code } = await busline('sessions', 'delete', runs.session, '--yes', '--sessions-dir', dir)
    expect(code).toBe(0)
    expect(rows((await busline(...all)).stdout)).toEqual(before.filter(({ id }) => id !== runs.session))
  })
})
