import { execFileSync } from 'node:child_process'
import { installedBytes } from './installed-size.ts'
import { median, quick } from './measure.ts'
import type { Table } from './table.ts'

const PROCESSES = quick ? 1 : 15
const root = new URL('../../', import.meta.url).pathname
const peers = new URL('peers/', import.meta.url).pathname

interface Imported {
  /** What is imported, one after another; the names of their packages are what is installed. */
  readonly imports: readonly string[]
  /** The folder that they are installed in. */
  readonly from: string
}

const CASES: Readonly<Record<string, Imported>> = {
  zod: { imports: [], from: root },
  busline: { imports: ['busline'], from: root },
  'busline, and openai as at the first call': { imports: ['busline', 'openai'], from: root },
  openai: { imports: ['openai'], from: root },
  'ai, @ai-sdk/openai-compatible': { imports: ['ai', '@ai-sdk/openai-compatible'], from: peers },
  '@openai/agents': { imports: ['@openai/agents'], from: peers },
  '@langchain/langgraph, /openai': {
    imports: ['@langchain/langgraph/prebuilt', '@langchain/langgraph', '@langchain/openai'],
    from: peers,
  },
}

/**
 * Milliseconds of an import in a new process, as node alone runs it, after zod's; and the megabytes on disk of what npm
 * installs for it: by the lock file, its packages with all that they depend on, peers that are not optional included.
 */
export const tables: readonly Table[] = [
  {
    head: 'import',
    columns: ['ms beyond zod', 'ms with zod', 'MB installed'],
    cases: Object.fromEntries(
      Object.entries(CASES).map(([name, what]) => [name, async () => measured(what)]),
    ),
  },
]

function measured({ imports, from }: Imported): number[] {
  const times = Array.from({ length: PROCESSES }, () => importTimes(imports, from))
  const packages = imports.length > 0 ? imports.map(packageOf) : ['zod']
  return [
    median(times.map(({ zod, all }) => all - zod)),
    median(times.map(({ all }) => all)),
    installedBytes(packages, from) / 1e6,
  ]
}

function importTimes(imports: readonly string[], from: string): { zod: number; all: number } {
  const program = `
    const started = performance.now()
    await import('zod')
    const zod = performance.now() - started
    ${imports.map((name) => `await import('${name}')`).join('\n')}
    console.log(JSON.stringify({ zod, all: performance.now() - started }))`
  // NODE_OPTIONS as inherited would bring tsx along.
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: from,
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  })
  const times: { zod: number; all: number } = JSON.parse(printed)
  return times
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
