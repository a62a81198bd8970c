import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from './fixtures/printed.ts'
import type { Finished } from './fixtures/running.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
let journal = ''

function add(dir: string, ...args: string[]): Promise<Finished> {
  return folder.busline('test', 'add', journal, '--dir', dir, ...args)
}

/** An app whose calculator always says 7, in a module of its own. */
function appModule(): string {
  const file = join(folder.path, 'app.mjs')
  writeFileSync(
    file,
    `import { defineTool } from 'busline'
import * as z from 'zod'
const calculate = defineTool({ name: 'calculate', description: 'Sums.', parameters: z.looseObject({}), run: () => 7 })
export const other = { tools: [calculate] }
`,
  )
  return file
}

beforeAll(async () => {
  const finished = await folder.chat(['--prompt', '24*7?', '--prompt', 'Hello'])
  journal = folder.journalOf(finished)
})

describe.concurrent('busline test', () => {
  test('keeps a run, replays it, and passes', async () => {
    const dir = join(folder.path, 'kept')
    const added = await add(dir, '--name', 'sums')
    expect(added).toMatchObject({ code: 0 })
    expect(linesOf(added.stdout)[0]).toBe(join(dir, 'sums.jsonl'))
    expect(readFileSync(join(dir, 'sums.jsonl'), 'utf8')).toBe(readFileSync(journal, 'utf8'))

    const run = await folder.busline('test', 'run', dir)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/^pass +\S+sums\.jsonl .*\n1 passed\n$/)
  })

  test('keeps a run up to the end of a turn, and writes no file twice', async () => {
    const dir = join(folder.path, 'turn')
    await add(dir, '--turn', '1', '--name', 'one')
    const lines = linesOf(readFileSync(join(dir, 'one.jsonl'), 'utf8'))
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ kind: 'result', type: 'chat.runTurn' })
    expect(lines.length).toBeLessThan(linesOf(readFileSync(journal, 'utf8')).length)
    expect(await folder.busline('test', dir)).toMatchObject({ code: 0 })

    const again = await add(dir, '--name', 'one')
    expect(again).toMatchObject({ code: 2, stdout: '' })
    expect(again.stderr).toContain('--force')
    expect(await add(dir, '--name', 'one', '--force')).toMatchObject({ code: 0 })
    const none = await add(dir, '--turn', '9')
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('There is no turn 9')
  })

  test('writes a test for vitest that imports the app and says when it does not pass', async () => {
    const dir = join(folder.path, 'vitest')
    const added = await add(dir, '--name', 'sums', '--app', `${appModule()}#other`)
    expect(added).toMatchObject({ code: 0 })
    const written = readFileSync(join(dir, 'sums.test.ts'), 'utf8')

    const files = ['sums.jsonl', 'sums.json', 'sums.test.ts'].map((name) => join(dir, name))
    expect(linesOf(added.stdout)).toEqual(files)
    expect(written).toContain("import { other as app } from '../app.mjs'")
    expect(written).toContain("await expectRun(fileURLToPath(new URL('./sums.jsonl', import.meta.url)), app)")
    expect(added.stderr).toContain('It does not pass with this app:')
  })

  test('fails with the first divergence where the app does something else, and writes it anew when told to', async () => {
    const dir = join(folder.path, 'other')
    await add(dir, '--name', 'sums')
    const options = ['--app', `${appModule()}#other`, '--live', 'tool.call']
    const failed = await folder.busline('test', 'run', dir, ...options)
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(/^fail .*sums\.jsonl.*\n.*line \d+: .* differs/)

    const json = await folder.busline('test', 'run', dir, ...options, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      status: 'fail',
      error: null,
      divergences: expect.any(Array),
    })
    const updated = await folder.busline('test', 'run', dir, ...options, '--update')
    expect(updated).toMatchObject({ code: 0 })
    expect(updated.stdout).toContain('1 written anew')
    expect(readFileSync(join(dir, 'sums.jsonl'), 'utf8')).toContain('"output":7}')
  })

  test('tells what cannot be replayed, and goes on with the others', async () => {
    const dir = join(folder.path, 'broken')
    await add(dir, '--name', 'sums')
    writeFileSync(join(dir, 'a-damaged.jsonl'), '{"seq":\n')
    writeFileSync(join(dir, 'an-empty.jsonl'), '')
    const finished = await folder.busline('test', dir, '--json')
    expect(finished.code).toBe(5)
    expect(linesOf(finished.stdout).map((line) => JSON.parse(line))).toMatchObject([
      { status: 'error', error: { code: 'JOURNAL_DAMAGED' } },
      { status: 'error', error: { code: 'RUN_NOT_FOUND' } },
      { status: 'pass', error: null },
    ])
    rmSync(join(dir, 'an-empty.jsonl'))
    expect(await folder.busline('test', dir)).toMatchObject({ code: 3 })
  })

  test.each([
    [['add', '@latest', '--live', 'tool.call'], '--live'],
    [['run', 'x', '--turn', '2'], '--turn'],
    [['run', 'x', 'y'], 'one folder'],
    [['run', '.', '--loosen', 'model.call'], '--loosen'],
    [['run', '/dev'], 'holds no recorded run'],
    [['add', '@latest', '--name', '../x'], '--name'],
  ])('refuses %j', async (args, why) => {
    const finished = await folder.busline(
      'test',
      ...args,
      ...(args[0] === 'add' ? ['--log-dir', folder.logs] : []),
    )
    expect(finished).toMatchObject({ code: 2, stdout: '' })
    expect(finished.stderr).toContain(why)
  })

  test('tells that the folder is not there', async () => {
    expect(await folder.busline('test', join(folder.path, 'nowhere'))).toMatchObject({ code: 4, stdout: '' })
  })
})
