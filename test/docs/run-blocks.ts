import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('../../', import.meta.url).pathname

/** One program of a guide: a ```ts block. */
export interface Block {
  /** The heading that it stands under, and which of that section's blocks it is. */
  readonly name: string
  readonly file: string
  readonly code: string
  /** What the ```text block right below it says; empty if there is none, for then it prints nothing. */
  readonly prints: string
}

/** How one block ended: all that it wrote to its standard output, and its error if it threw. */
export interface Run {
  readonly file: string
  readonly printed: string
  readonly error?: string
}

export interface Trial {
  /** One for each block, in their order; fewer if one ended the process. */
  readonly runs: readonly Run[]
  /** What the process that ran them wrote to its standard error: empty if all is well. */
  readonly stderr: string
  /** What the compiler says about them, under the settings of this repository: empty if all is well. */
  readonly types: string
}

/**
 * Runs one program after another in one process, and tells how each ended in one line of JSON. What a program leaves
 * behind prints among the output of the next one, or keeps the process from ending.
 */
const RUNNER = `
import { writeSync } from 'node:fs'
process.env.TMPDIR = process.cwd()
let printed = ''
process.stdout.write = (text) => { printed += text; return true }
for (const file of process.argv.slice(2)) {
  printed = ''
  let error
  try {
    await import('./' + file)
    await new Promise((resolve) => setImmediate(resolve))
  } catch (thrown) {
    error = String(thrown?.stack ?? thrown)
  }
  writeSync(1, JSON.stringify({ file, printed, error }) + '\\n')
}
`

/** The text of a guide and its programs. */
export function readGuide(path: string): { text: string; blocks: readonly Block[] } {
  const text = readFileSync(join(root, path), 'utf8')
  return { text, blocks: blocksOf(text) }
}

/** The programs of a Markdown text, named by its headings, with the output that it shows. */
export function blocksOf(text: string): Block[] {
  const parts = text.matchAll(/^## (.+)$|^```ts\n([\s\S]*?)^```$(?:\n+```text\n([\s\S]*?)^```$)?/gm)
  const found: Block[] = []
  let heading = ''
  let ordinal = 0
  for (const [, title, code, prints = ''] of parts) {
    if (title !== undefined) {
      heading = title
      ordinal = 0
    } else if (code !== undefined) {
      ordinal++
      found.push({
        name: `${heading} (${ordinal})`,
        file: `${slugOf(heading)}-${ordinal}.ts`,
        code,
        prints,
      })
    }
  }
  return found
}

/** The anchor of a heading, as GitHub makes it. */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}

/**
 * Runs all programs, one after another in one child process, and type-checks all of them in one call. They find `busline`
 * and `busline/testing` as the sources of this repository.
 */
export async function runBlocks(blocks: readonly Block[]): Promise<Trial> {
  const folder = mkdtempSync(join(tmpdir(), 'busline-guide-'))
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const settings = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    writeFileSync(join(folder, 'runner.mjs'), RUNNER)
    for (const { file, code } of blocks) writeFileSync(join(folder, file), code)

    const files = blocks.map(({ file }) => file)
    const [ran, compiled] = await Promise.all([
      node(folder, '--import', 'tsx', 'runner.mjs', ...files),
      node(folder, join(root, 'node_modules/typescript/bin/tsc'), '-p', folder),
    ])
    const runs = ran.stdout.split('\n').flatMap((line): Run[] => (line ? [JSON.parse(line)] : []))
    return { runs, stderr: ran.stderr, types: compiled.stdout + compiled.stderr }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs Node to its end, whatever that is: the tests say what is wrong with it. */
function node(cwd: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: 50_000 }, (failure, stdout, stderr) => {
      const ending = failure?.killed ? `${args[0]} had not ended after 50 s.\n` : ''
      resolve({ stdout, stderr: stderr + ending })
    })
  })
}
