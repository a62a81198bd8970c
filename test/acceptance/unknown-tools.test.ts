import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { textOf } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { recordedExchanges, toolLoops } from './recorded-exchange.ts'
import { recordedServer, seeded } from './recorded-server.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url).pathname
const loops = toolLoops(recordedExchanges())
const Line = z.looseObject({
  status: z.string(),
  reply: z.string().nullable(),
  toolCalls: z.array(z.looseObject({ name: z.string(), error: z.object({ code: z.string() }).nullable() })),
})

test.each(['stream', 'body'] as const)(
  'function-chat tells the model of each recorded loop that its tools do not exist, and ends the turn (%s)',
  { timeout: 60_000 },
  async (form) => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-loops-'))
    await using server = await recordedServer(loops.flat(), { form, random: seeded(7) })
    const prompts = loops.flatMap((loop) => [
      '--prompt',
      textOf(loop[0]?.request?.messages.at(-1) ?? { role: 'user' }),
    ])
    const { stdout, stderr } = await run(
      process.execPath,
      ['--import', 'tsx', 'programs/function-chat.ts', '--base-url', server.url, '--json', ...prompts].concat(
        ['--sessions-dir', join(folder, 'sessions'), '--log-dir', join(folder, 'logs')],
        form === 'body' ? ['--no-stream'] : [],
      ),
      { cwd: root, env: { PATH: process.env['PATH'] }, maxBuffer: 64 * 1024 * 1024 },
    )
    expect(stderr).toBe('')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)))
    expect(lines.map(({ status, reply }) => [status, reply])).toEqual(
      loops.map((loop) => ['ok', loop.at(-1)?.expected.text]),
    )
    for (const [index, { toolCalls }] of lines.entries()) {
      const called = loops[index]?.flatMap((step) => step.expected.tool_calls) ?? []
      expect(toolCalls.map(({ name }) => name)).toEqual(called.map(({ name }) => name))
      for (const { error } of toolCalls) expect(error?.code).toBe('UNKNOWN_TOOL')
    }
    for (const { messages } of server.requests) {
      const last = messages.at(-1)
      if (last?.role === 'tool') expect(last.content).toContain('There is no tool named')
    }
    rmSync(folder, { recursive: true })
  },
)
