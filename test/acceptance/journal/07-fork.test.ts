import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

const Forked = z.looseObject({
  path: z.string(),
  at: z.number(),
  lines: z.number(),
  sessionsDir: z.string(),
  sessions: z.array(z.string()),
  parent: z.looseObject({ run: z.string() }),
})
const Message = z.looseObject({
  role: z.string(),
  toolCallId: z.string().nullable(),
  toolCalls: z.array(z.looseObject({ id: z.string() })),
})

let runs: ProductRuns
let lines: string[] = []
let before = ''
beforeAll(async () => {
  runs = await productRuns()
  before = readFileSync(runs.first, 'utf8')
  lines = linesOf(before)
}, 120_000)

/** The line of the last record with this text, from 1. */
const lastWith = (part: string) => lines.findLastIndex((line) => line.includes(part)) + 1

/** Each call has exactly one result, right behind it. */
function expectValid(messages: z.output<typeof Message>[]): void {
  let open: string[] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(open).toContain(message.toolCallId)
      open = open.filter((id) => id !== message.toolCallId)
      continue
    }
    expect(open).toEqual([])
    open = message.toolCalls.map(({ id }) => id)
  }
  expect(open).toEqual([])
}

describe.concurrent('going on from the middle of a run', { timeout: 120_000 }, () => {
  // Between three calls that ran at once: all open, one answered, all answered but not yet in the session.
  test.each([
    ['three open calls', () => lastWith('"kind":"command","type":"tool.call"')],
    ['two open calls', () => lastWith('"kind":"command","type":"tool.call"') + 1],
    ['an answer that has begun', () => lastWith('"type":"model.textReceived"')],
  ])('a fork behind %s is a run of its own, with a session that opens', async (name, place) => {
    const to = join(runs.folder, `${name.replaceAll(' ', '-')}.jsonl`)
    const { code, stdout } = await busline('fork', runs.first, '--at', String(place()), '--to', to, '--json')
    expect(code).toBe(0)
    const forked = Forked.parse(JSON.parse(stdout))
    expect(forked).toMatchObject({ path: to, at: place(), sessions: [runs.session] })
    expect(JSON.parse(lines[0] ?? '').data.run).toBe(forked.parent.run)
    const [shown, session] = await Promise.all([
      busline('show', to, '--json'),
      busline('sessions', 'show', runs.session, '--sessions-dir', forked.sessionsDir, '--json'),
    ])
    expect([shown.code, session.code]).toEqual([0, 0])
    expectValid(linesOf(session.stdout).map((line) => Message.parse(JSON.parse(line))))
    expect(readFileSync(runs.first, 'utf8')).toBe(before)
  })

  test('what if: another result of a tool gives another answer, and the parent is untouched', async () => {
    const at = lines.findIndex((line) => line.includes('"kind":"result","type":"tool.call"')) + 1
    const to = join(runs.folder, 'what-if.jsonl')
    const args = ['--run', '--this-turn', '--offline', '--at', String(at), '--set', 'output.temperature=35']
    const { code, stdout } = await busline('fork', runs.first, ...args, '--to', to, '--json')
    expect(code).toBe(0)
    const [turn] = JSON.parse(stdout).turns
    expect(turn.parent.reply).not.toContain('35 °C')
    expect(turn.fork.reply).toContain('35 °C')
    expect(readFileSync(runs.first, 'utf8')).toBe(before)
  })
})
