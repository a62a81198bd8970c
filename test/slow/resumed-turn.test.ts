import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConversationMessage, readJournal, TurnResult } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { expectValidHistory } from './fixtures/valid-history.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'busline-resume-'))

const End = z.object({
  result: TurnResult.nullable(),
  messages: z.array(ConversationMessage),
  openTurn: z.string().nullable(),
  records: z.number(),
})

interface Ran {
  signal: string | null
  acknowledged: string[]
  end: z.output<typeof End> | undefined
}

function run(at: string, name: string, journal: string): Promise<Ran> {
  const script = join(root, 'test/slow/fixtures/resumed-turn.ts')
  const args = [
    join(folder, name),
    join(folder, `${name}.${journal}.jsonl`),
    join(folder, `${name}.effects`),
    at,
  ]
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', script, ...args],
      { cwd: root },
      (error, out, err) => {
        if (error && child.signalCode === null) return reject(new Error(`${at}: ${err}`))
        const lines = out.split('\n')
        const end = lines.find((line) => line.startsWith('end '))
        resolve({
          signal: child.signalCode,
          acknowledged: lines.flatMap((line) => (line.startsWith('message ') ? [line.slice(8)] : [])),
          end: end === undefined ? undefined : End.parse(JSON.parse(end.slice(4))),
        })
      },
    )
  })
}

const Effect = z.object({ name: z.string(), key: z.string() })

function effectsOf(name: string): z.output<typeof Effect>[] {
  const path = join(folder, `${name}.effects`)
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => Effect.parse(JSON.parse(line)))
}

async function endsIn(name: string): Promise<string[]> {
  const ends: string[] = []
  for (const journal of ['first', 'second']) {
    const path = join(folder, `${name}.${journal}.jsonl`)
    if (!existsSync(path)) continue
    for await (const { type } of readJournal(path)) if (/^chat\.turn[A-Z]/.test(type)) ends.push(type)
  }
  return ends
}

test(
  'a turn killed at any of its records goes on: valid history, nothing lost, no unsafe tool twice, the cost counted once',
  { timeout: 600_000 },
  async () => {
    const whole = await run('0', 'whole', 'first')
    expect(whole.end?.result).toMatchObject({ reply: 'All three are done.', steps: 2, cost: 0.3 })
    const records = whole.end?.records ?? 0
    expect(records).toBeGreaterThan(25)
    const seen = { resumed: 0, unknown: 0, ranAgain: 0 }

    const check = async (at: number): Promise<void> => {
      const name = `${at}`
      const killed = await run(name, name, 'first')
      expect(killed.signal, name).toBe('SIGKILL')
      const { end } = await run('resume', name, 'second')
      if (!end) throw new Error(`${name}: no end`)
      const { result, messages } = end

      expect(end.openTurn, name).toBeNull()
      expectValidHistory(messages)
      for (const id of killed.acknowledged)
        expect(
          messages.map((message) => message.id),
          name,
        ).toContain(id)

      const effects = effectsOf(name)
      expect(effects.filter((effect) => effect.name === 'send_mail').length, name).toBeLessThanOrEqual(1)
      for (const tool of ['look_up', 'set_value', 'send_mail']) {
        const keys = effects.filter((effect) => effect.name === tool).map(({ key }) => key)
        expect(new Set(keys).size, `${name} ${tool}`).toBeLessThanOrEqual(1)
        if (keys.length > 1) seen.ranAgain++
      }

      // Killed before its first message was kept there was no turn; after its commit it had ended.
      const ends = await endsIn(name)
      expect(ends.length, name).toBeLessThanOrEqual(1)
      if (messages.length === 0) return
      expect(messages.at(-1)?.content, name).toBe('All three are done.')
      if (!result) return
      seen.resumed++
      expect(ends, name).toEqual(['chat.turnFinished'])
      expect(result.usage, name).toEqual({ inputTokens: 200, outputTokens: 20, totalTokens: 220, calls: 2 })
      expect(result.cost, name).toBeCloseTo(0.3)
      expect(result.toolCalls.map((call) => call.name)).toEqual(['look_up', 'set_value', 'send_mail'])
      if (result.toolCalls.some(({ error }) => error?.code === 'OUTCOME_UNKNOWN')) seen.unknown++
    }

    const boundaries = Array.from({ length: records }, (_, index) => index + 1)
    while (boundaries.length > 0) await Promise.all(boundaries.splice(0, 2).map(check))
    // Every way of going on was met on the way.
    expect(seen.resumed).toBeGreaterThan(15)
    expect(seen.unknown).toBeGreaterThan(0)
    expect(seen.ranAgain).toBeGreaterThan(0)
    rmSync(folder, { recursive: true })
  },
)
