import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from './fixtures/build-package.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
const elsewhere = mkdtempSync(join(tmpdir(), 'busline-no-tsx-'))
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

const journal = join(folder.path, 'run.jsonl')
// An enum is more than types: no version of Node runs it without a loader.
const TYPESCRIPT = `import { busline } from './name.js'
enum Tone { Brief = 'brief' }
export const app: { systemPrompt: string } = { systemPrompt: \`Be \${Tone.Brief}, \${busline}.\` }
`

beforeAll(async () => {
  const app = createApp({ offline: true, systemPrompt: 'Be brief, ada.', journal })
  await app.chat('s').send('Hello.')
  await app.stop()
})

/** Replays the run with an app of TypeScript in a folder, as one who works there. */
async function replayIn(dir: string): Promise<{ code: number; stdout: string; stderr: string }> {
  writeFileSync(join(dir, 'app.ts'), TYPESCRIPT)
  writeFileSync(join(dir, 'name.ts'), "export const busline: string = 'ada'\n")
  const args = folder.command('busline', ['replay', journal, '--app', './app.ts'])
  // Node as it is: the runner of these tests may have been told to load TypeScript.
  const env = { PATH: process.env['PATH'] }
  return await new Promise((done) => {
    const child = execFile(process.execPath, args, { cwd: dir, env }, (_error, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

describe.concurrent('an app of TypeScript', () => {
  test.each(['module', 'commonjs', undefined])(
    'is read by the tsx of its project (type %s)',
    async (type) => {
      const dir = join(folder.path, `project-${type}`)
      mkdirSync(join(dir, 'node_modules'), { recursive: true })
      writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'project', type }))
      symlinkSync(join(ROOT, 'node_modules/tsx'), join(dir, 'node_modules/tsx'))
      expect(await replayIn(dir)).toMatchObject({ code: 0, stdout: expect.stringMatching(/identical/) })
    },
  )

  test('is answered with what to install where there is none', async () => {
    const ran = await replayIn(elsewhere)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^The app \S+app\.ts can't be loaded: .*npm install --save-dev tsx/)
  })
})
