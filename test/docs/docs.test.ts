import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BUSLINE_VERSION } from 'busline'
import { describe, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const run = promisify(execFile)

describe('the README', () => {
  const regions = [...read('README.md').matchAll(/<!-- (\S+) -->\n\n```ts\n([\s\S]*?)```/g)].map(
    ([, file = '', code = '']) => ({ file, code }),
  )

  const prints: Record<string, RegExp> = {
    'programs/examples/embed.ts': /Paris[\s\S]*Rome/,
    'programs/examples/custom-handlers.ts': /Ada was greeted[\s\S]*Hello, Ada!/,
    'programs/examples/swap-handlers.ts': /sunny in Rome[\s\S]*pretend result of get_weather/,
  }

  test('quotes every example', () => {
    expect(regions.map(({ file }) => file)).toEqual(Object.keys(prints))
    expect(regions).toHaveLength(readdirSync(join(root, 'programs/examples')).length)
  })

  test.each(regions)('quotes $file as it is', ({ file, code }) => {
    expect(code).toBe(read(file))
  })

  test.each(regions)('$file runs', async ({ file }) => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-docs-'))
    const { stdout } = await run(process.execPath, ['--import', 'tsx', file, join(folder, 'run.jsonl')], {
      cwd: root,
    })
    expect(stdout).toMatch(prints[file] ?? /never/)
    rmSync(folder, { recursive: true })
  })

  test('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json'))
    for (const [, script = ''] of read('README.md').matchAll(/npm run (?:-s )?([\w:]+)/g))
      expect(scripts).toHaveProperty(script)
  })

  test('links only to files that there are', () => {
    for (const [, target = ''] of read('README.md').matchAll(/\]\(([^)]+)\)/g))
      expect(read(target)).not.toBe('')
  })
})

test('docs/errors.md has every code and no other', () => {
  const codes = [...read('src/messages/busline-error.ts').matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(
    ([, code]) => code,
  )
  const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(30)
  expect(new Set(documented)).toEqual(new Set(codes))
  expect(documented).toHaveLength(codes.length)
})

test('every code is thrown somewhere in src', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('busline-error.ts'))
    .map((name) => read(join('src', name)))
    .join('\n')
  for (const [, code = ''] of read('docs/errors.md').matchAll(/^\| `([A-Z_]+)`/gm))
    expect(sources).toContain(`'${code}'`)
})

test('the version in journals is that of the package', () => {
  expect(JSON.parse(read('package.json')).version).toBe(BUSLINE_VERSION)
  expect(read('CHANGELOG.md')).toContain(`## ${BUSLINE_VERSION}`)
})
