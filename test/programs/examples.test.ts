import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { linesOf, run, WorkFolder } from './fixtures/run-program.ts'

const folder = WorkFolder.forFile()

describe.concurrent('the examples', () => {
  test('embed.ts answers from its tool, then streams', async () => {
    const journal = join(folder.path, 'embed.jsonl')
    const { code, stdout, stderr } = await run('examples/embed.ts', [journal])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/Paris: 18 °C, sunny/)
    expect(stdout).toMatch(/name: 'get_weather'/)
    expect(stdout).toMatch(/Rome: 18 °C, sunny[^\n]*\n?$/)
    const recorded = linesOf(readFileSync(journal, 'utf8'))
    expect(recorded[0]).toMatch(/^\{"v":1,"seq":0,.*"type":"busline\.journal"/)
    expect(
      recorded.filter((line) => line.includes('"kind":"event","type":"chat.turnFinished"')),
    ).toHaveLength(2)
  })

  test('custom-handlers.ts greets, and each message is a line of its journal', async () => {
    const journal = join(folder.path, 'custom.jsonl')
    const { code, stdout, stderr } = await run('examples/custom-handlers.ts', [journal])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(linesOf(stdout).toSorted()).toEqual([
      'Ada was greeted',
      'Hello, Ada!',
      expect.stringMatching(/^people\.greet took [\d.]+ ms$/),
      expect.stringMatching(/^people\.greeted took [\d.]+ ms$/),
    ])
    const types = linesOf(readFileSync(journal, 'utf8')).map(
      (line) => /"kind":"\w+","type":"[^"]+"/.exec(line)?.[0],
    )
    expect(types).toEqual([
      '"kind":"header","type":"busline.journal"',
      '"kind":"command","type":"people.greet"',
      '"kind":"event","type":"people.greeted"',
      '"kind":"result","type":"people.greet"',
    ])
  })
})
