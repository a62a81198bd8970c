import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { forkRun, sessionsIn, verifyJournal } from 'busline/journal'
import { expect, test } from 'vitest'
import { expectValidHistory } from './fixtures/valid-history.ts'
import { faultsIn, folderForFile, goOn, recordsOf } from '../fork/fixtures/three-tools.ts'

const folder = folderForFile()
const golden = new URL('../golden/', import.meta.url).pathname
const runs = readdirSync(golden).filter((name) => name.endsWith('.jsonl'))

/** What verifies a run finds in it besides: the clock of the recorded runs is not the one of streams. */
const IN_PARENT = new Set(['clock', 'unfinished'])

test.each(runs)('%s: a fork at each line verifies, its sessions are whole, and it goes on', async (name) => {
  const path = join(golden, name)
  const bytes = readFileSync(path)
  const { length } = await recordsOf(path)
  for (let at = 1; at <= length; at++) {
    for (const openCalls of ['close', 'keep'] as const) {
      const place = `line ${at}, ${openCalls}`
      const to = join(folder, `${name}-${at}-${openCalls}.jsonl`)
      const forked = await forkRun(path, { at, to, sessions: `${to}-sessions`, openCalls })
      const verified = await verifyJournal(to)
      expect(verified, place).toMatchObject({ ok: true, unfinished: forked.open.length })
      expect(
        verified.findings.filter(({ kind }) => !IN_PARENT.has(kind)),
        place,
      ).toEqual([])
      const problems: unknown[] = []
      const onProblem = (problem: unknown): void => void problems.push(problem)
      expect(await sessionsIn(await recordsOf(to), { onProblem }), place).toEqual(forked.sessions)
      expect(problems, place).toEqual([])
      for (const { messages, openTurn } of forked.sessions.values()) {
        const ids = messages.map(({ id }) => id)
        expect(new Set(ids).size, place).toBe(ids.length)
        if (openCalls === 'keep') continue
        expectValidHistory(messages)
        expect(openTurn, place).toBeUndefined()
      }
      if (openCalls === 'keep') await expectToGoOn(forked, place)
    }
  }
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

/** Goes on with each session, then forks the outcome once more. */
async function expectToGoOn(forked: Awaited<ReturnType<typeof forkRun>>, place: string): Promise<void> {
  // A turn that wants a structured answer takes this one too.
  const answer = JSON.stringify({ name: 'Ada', age: 36 })
  const { app, requests } = goOn(
    forked,
    Array.from({ length: 12 }, () => answer),
  )
  for (const { id, openTurn } of forked.sessions.values()) {
    const turn = await app.chat(id).resume()
    if (openTurn !== undefined) expect(turn?.turn, place).toBe(openTurn)
    await app.chat(id).send('And now?')
  }
  await app.stop()
  for (const { messages } of requests) expect(faultsIn(messages), place).toEqual([])
  const records = await recordsOf(forked.path)
  for (const { messages, openTurn } of (await sessionsIn(records)).values()) {
    expectValidHistory(messages)
    expect(openTurn, place).toBeUndefined()
  }
  const at = Math.ceil((forked.at + records.length) / 2)
  const again = await forkRun(forked.path, { at, to: `${forked.path}-again.jsonl` })
  expect(await verifyJournal(again.path), place).toMatchObject({ ok: true, unfinished: 0 })
}
