import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './fixtures/build-package.ts'

const DOORS: Readonly<Record<string, string>> = {
  busline: 'src/index.ts',
  'busline/journal': 'src/journal.ts',
}
const IMPORT = /^(?:import|export) (?!type )(?:([^;']*?) from )?'([^']+)'/gms

/** The packages that a file of the built program loads before it does anything: of a door what is imported by name. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  return importsOf(file).flatMap(({ names, from }) => {
    const door = DOORS[from]
    if (door !== undefined) return names.flatMap((name) => packagesOf(exporterOf(name, door), seen))
    return from.startsWith('.') ? packagesOf(join(file, '..', from), seen) : [from]
  })
}

function importsOf(file: string): { names: string[]; from: string }[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(IMPORT)].flatMap(([, list = '', from = '']) => {
    const names = list
      .replace(/[{}*]/g, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
    return names.length > 0 || list === '' ? [{ names, from }] : []
  })
}

/** The file that a door has a name from. */
function exporterOf(name: string, door: string): string {
  const exporter = importsOf(door).find(({ names }) => names.includes(name))
  if (exporter) return join(door, '..', exporter.from)
  throw new Error(`${door} exports ${name} by no name.`)
}

test.each(['show', 'show-turns', 'show-events', 'stats', 'search', 'why', 'tail', 'runs'])(
  'busline loads neither schemas nor a client for %s',
  (name) => {
    const packages = packagesOf(`programs/busline/${name}.ts`).filter((from) => !from.startsWith('node:'))
    expect(packages).toEqual([])
  },
)

test('the walk above finds what a program does load', () => {
  expect(packagesOf('programs/busline/trace.ts')).toContain('zod')
})
