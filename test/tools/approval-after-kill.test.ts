import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname

function run(
  folder: string,
  mode: string,
): Promise<{ stdout: string; stderr: string; signal: string | null }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', join(root, 'test/tools/fixtures/approving.ts'), folder, mode],
      { cwd: root, env: { PATH: process.env['PATH'] }, timeout: 20_000 },
      (_error, stdout, stderr) => resolve({ stdout, stderr, signal: child.signalCode }),
    )
  })
}

async function killedThenResumed(mode: string) {
  const folder = mkdtempSync(join(tmpdir(), 'busline-approval-'))
  try {
    expect((await run(folder, mode)).signal).toBe('SIGKILL')
    const { stdout, stderr } = await run(folder, 'resume')
    expect(stderr).toBe('')
    const result: unknown = JSON.parse(stdout)
    const session: unknown = JSON.parse(readFileSync(join(folder, 'sessions', 's1.json'), 'utf8'))
    return { result, session, ran: readFileSync(join(folder, 'ran'), 'utf8').trim().split('\n') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test(
  'a call that waited for its approval when the process was killed is asked about again, and runs once',
  { timeout: 60_000 },
  async () => {
    const { result, session, ran } = await killedThenResumed('waiting')
    expect(ran).toEqual(['note', 'pay'])
    expect(result).toMatchObject({
      reply: 'Done.',
      toolCalls: [
        { name: 'note', error: null },
        { name: 'pay', result: 'paid', error: null },
      ],
    })
    expect(session).toMatchObject({ context: {} })
  },
)

test(
  'a call that was approved and ran when the process was killed does not run again',
  { timeout: 60_000 },
  async () => {
    const { result, ran } = await killedThenResumed('running')
    expect(ran.filter((name) => name === 'pay')).toEqual(['pay'])
    expect(result).toMatchObject({
      reply: 'Done.',
      toolCalls: [{ name: 'note' }, { name: 'pay', error: { code: 'OUTCOME_UNKNOWN' } }],
    })
  },
)
