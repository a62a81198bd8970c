import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from 'busline'
import { afterAll, describe, expect, test } from 'vitest'
import { replay } from '../../programs/busline/replay.ts'
import { test as testCommand } from '../../programs/busline/test.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-test-app-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const busline = (...argv: string[]): Promise<Ran> => runCommand(testCommand, argv)

/** A run of an app with a prompt of its own, and the module that exports that app. */
async function recorded(name: string): Promise<{ journal: string; module: string }> {
  const systemPrompt = `You are ${name}.`
  const journal = join(folder, `${name}.jsonl`)
  const module = join(folder, `${name}-app.mjs`)
  const options = JSON.stringify({ systemPrompt })
  writeFileSync(module, `export const app = ${options}\nexport const other = { systemPrompt: 'Another.' }\n`)
  const app = createApp({ offline: true, systemPrompt, journal })
  await app.chat('s').send('Hello.')
  await app.stop()
  return { journal, module }
}

/** A folder in which a run is kept with its app. */
async function kept(name: string, spec = ''): Promise<{ dir: string; journal: string; module: string }> {
  const dir = join(folder, `kept-${name}`)
  const run = await recorded(name)
  const added = await busline('add', run.journal, '--dir', dir, '--app', `${run.module}${spec}`)
  expect(added).toMatchObject({ code: 0, stderr: '' })
  return { dir, ...run }
}

describe.concurrent('the app of a recorded test', () => {
  test('is remembered: each run of a folder is replayed with the one that it was kept with', async () => {
    const { dir } = await kept('ada')
    const { journal, module } = await recorded('bob')
    await busline('add', journal, '--dir', dir, '--app', `${module}#app`)
    expect(readFileSync(join(dir, 'bob.json'), 'utf8')).toBe('{\n  "app": "../bob-app.mjs#app"\n}\n')
    const ran = await busline('run', dir)
    expect(ran.stdout).toMatch(/\n2 passed\n$/)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  })

  test('is named to programs: as it was kept, as --app has it, or null for that of busline chat', async () => {
    const { dir, journal, module } = await kept('ivy', '#app')
    const appsOf = async (...args: string[]) =>
      linesOf((await busline('run', ...args, '--json')).stdout).map((line): unknown => JSON.parse(line).app)
    expect(await appsOf(dir)).toEqual([`${module}#app`])
    expect(await appsOf(dir, '--app', `${module}#other`)).toEqual([`${module}#other`])
    expect(await busline('add', journal, '--dir', dir, '--force')).toMatchObject({ code: 0 })
    expect(await appsOf(dir)).toEqual([null])
  })

  test('gives way to that of --app, and is named where a run differs', async () => {
    const { dir, module } = await kept('eve')
    const ran = await busline('run', dir, '--app', `${module}#other`)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain(`It was run with the app ${module}#other.`)
    expect(ran.stdout).toContain('busline test --update')
  })

  test('is that of busline chat where none was named, which is said where a run differs', async () => {
    const dir = join(folder, 'kept-default')
    const { journal } = await recorded('dan')
    const added = await busline('add', journal, '--dir', dir)
    expect(added.stderr).toContain('the app of busline chat (name another: --app)')
    const ran = await busline(dir)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain('the app of busline chat. If it is a run of another, name that: --app')
  })

  test('is forgotten when the run is kept anew without one', async () => {
    const { dir, journal, module } = await kept('fay')
    expect((await busline('add', journal, '--dir', dir, '--force')).code).toBe(0)
    expect((await busline(dir)).code).toBe(1)
    expect((await busline(dir, '--app', module)).code).toBe(0)
  })

  test.each([['not JSON'], ['{"app":7}'], ['[]']])('%s where it should be named is refused', async (text) => {
    const dir = mkdtempSync(join(folder, 'wrong-'))
    writeFileSync(join(dir, 'run.jsonl'), '')
    writeFileSync(join(dir, 'run.json'), text)
    const ran = await busline(dir)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(linesOf(ran.stderr)).toEqual([expect.stringMatching(/run\.json should name the app of .*--app/)])
  })

  test('that is not there is said to be missing, with the whole path', async () => {
    const { journal } = await recorded('gus')
    const ran = await runCommand(replay, [journal, '--app', join(folder, 'nowhere.ts')])
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toBe(
      `There is no app ${join(folder, 'nowhere.ts')}. Name its file: --app FILE#EXPORT.\n`,
    )
  })
})

describe.concurrent('a folder without recorded tests', () => {
  test('that is not there ends with 4, says so, and how one is kept', async () => {
    const ran = await busline('run', join(folder, 'nowhere'))
    expect(ran).toMatchObject({ code: 4, stdout: '' })
    expect(ran.stderr).toMatch(/^There is no folder \S+nowhere\. busline test add RUN keeps/)
    expect(ran.stderr).not.toContain('ENOENT')
  })

  test('that is empty ends with 2, and says how one is kept', async () => {
    const dir = join(folder, 'empty')
    mkdirSync(dir)
    const ran = await busline('run', dir)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toContain(`busline test add RUN --dir ${dir} keeps one there`)
  })
})

test('no force writes over the run that is to be kept, or over one that is being written', async () => {
  const { journal, module } = await recorded('max')
  const before = readFileSync(journal, 'utf8')
  expect(await busline('add', journal, '--dir', folder, '--force')).toEqual({
    code: 2,
    stdout: '',
    stderr: `${journal} is the run that is to be kept. Give another --name or --dir.\n`,
  })
  expect(readFileSync(journal, 'utf8')).toBe(before)

  const live = join(folder, 'live.jsonl')
  await using app = createApp({ offline: true, journal: live })
  await app.chat('s').send('Hello.')
  const argv = ['add', journal, '--dir', folder, '--name', 'live', '--app', `${module}#app`, '--force']
  const refused = await busline(...argv)
  expect(refused).toEqual({
    code: 4,
    stdout: '',
    stderr: `${live} is being written by process ${process.pid}. Give another --name or --dir.\n`,
  })
  expect(readFileSync(live, 'utf8')).not.toContain('You are max.')
})
