/** A file as the rules see it: its path from the root of the repository, with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface Import {
  readonly specifier: string
  /** Erased by the compiler: `import type`, `export type … from`. */
  readonly typeOnly: boolean
}

/** Rooms by floor. A room may import its own files and every floor below; rooms of one floor meet in messages only. */
const FLOORS: readonly (readonly string[])[] = [
  ['messages'],
  ['bus', 'files'],
  [
    'journal',
    'sessions',
    'tools',
    'context',
    'providers',
    'offline',
    'console',
    'policies',
    'observability',
    'structured',
    'tokens',
    'usage',
    'runs',
    'diff',
    'export',
    'otel',
  ],
  ['engine', 'replay', 'fork'],
  ['testing'],
]

/** The one home of a package, where it has been decided. What is in no list may still be in one room only. */
const HOMES: Readonly<Record<string, readonly string[] | 'anywhere'>> = {
  zod: 'anywhere',
  nanoid: ['bus', 'messages'],
  eventemitter3: ['bus'],
  openai: ['providers'],
  pino: ['console'],
  sift: ['sessions'],
  'zod-to-json-schema': ['tools'],
  '@anthropic-ai/sdk': ['providers'],
  'gpt-tokenizer': ['tokens'],
  '@opentelemetry/api': ['otel'],
  '@opentelemetry/otlp-transformer': ['otel'],
}

/** All that the lowest floor may know of the world. */
const FLOOR_0_PACKAGES = ['zod', 'nanoid']

const JUNK_DRAWERS = /^(?:utils?|helpers?|types?|common|misc|shared|lib)\.ts$/

/** Everything that is against the rules of the house, one sentence each; empty when all is well. */
export function violationsIn(files: readonly SourceFile[]): string[] {
  return [
    ...files.flatMap(({ path }) => nameViolations(path)),
    ...files.flatMap(importViolations),
    ...homelessPackages(files),
    ...circlesIn(files).map((circle) => `These files import each other in a circle: ${circle.join(' → ')}.`),
  ]
}

/** Every import, re-export and dynamic import of a text. */
export function importsOf(text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const declarations = code.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^'";=()]*?\sfrom\s+)?(['"])([^'"]+)\2/gm,
  )
  const dynamic = code.matchAll(/\bimport\(\s*(['"])([^'"]+)\1\s*\)/g)
  return [
    ...[...declarations].map(([, type, , specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...[...dynamic].map(([, , specifier = '']) => ({ specifier, typeOnly: false })),
  ]
}

/** Circles among imports that exist at run time; each as the paths of its files, the first one again at the end. */
export function circlesIn(files: readonly SourceFile[]): string[][] {
  const graph = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text).flatMap(({ specifier, typeOnly }) =>
        typeOnly ? [] : (targetOf(path, specifier) ?? []),
      ),
    ]),
  )
  const circles: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path)
    if (start !== -1) circles.push([...way.slice(start), path])
    if (start !== -1 || done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return circles
}

function nameViolations(path: string): string[] {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const room = roomOf(path)
  const found: string[] = []
  if (JUNK_DRAWERS.test(name)) found.push(`${path} is a drawer for anything: name a file after its one job.`)
  if (room !== undefined && name === 'index.ts') found.push(`${path} is a barrel inside a room.`)
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/.test(name)) found.push(`${path} is not named in kebab-case.`)
  if (room !== undefined && floorOf(room) === -1)
    found.push(`${path} is in a room that stands on no floor: ${room}.`)
  return found
}

function importViolations({ path, text }: SourceFile): string[] {
  return importsOf(text).flatMap(({ specifier }) => {
    const why = whyNot(path, specifier)
    return why === undefined ? [] : [`${path} imports ${specifier}: ${why}.`]
  })
}

/** Why a file may not import this, undefined when it may. */
function whyNot(path: string, specifier: string): string | undefined {
  const target = targetOf(path, specifier)
  if (path.startsWith('programs/')) {
    if (target === undefined) return undefined
    return target.startsWith('programs/') ? undefined : "programs use the package's entry points"
  }
  const room = roomOf(path)
  if (room === undefined) return undefined
  if (target === undefined) return whyNoPackage(room, packageOf(specifier))

  const other = roomOf(target)
  if (other === undefined) return 'rooms do not know the entry files'
  if (other === room) return undefined
  const [floor, otherFloor] = [floorOf(room), floorOf(other)]
  if (otherFloor < floor) return undefined
  return otherFloor === floor ? 'rooms of one floor share messages, never code' : 'imports go down'
}

function whyNoPackage(room: string, name: string): string | undefined {
  if (name.startsWith('node:')) return undefined
  if (name === 'busline') return 'rooms do not know the entry files'
  const homes = HOMES[name]
  if (homes !== undefined && homes !== 'anywhere' && !homes.includes(room))
    return `its home is ${homes.join(', ')}`
  if (floorOf(room) === 0 && !FLOOR_0_PACKAGES.includes(name)) return 'floor 0 knows zod and nanoid only'
  return undefined
}

/** Packages without a decided home that are imported by more than one room. */
function homelessPackages(files: readonly SourceFile[]): string[] {
  const rooms = new Map<string, Set<string>>()
  for (const { path, text } of files) {
    const room = roomOf(path)
    if (room === undefined) continue
    for (const { specifier } of importsOf(text)) {
      const name = packageOf(specifier)
      if (name.startsWith('.') || name.startsWith('node:') || name in HOMES) continue
      rooms.set(name, (rooms.get(name) ?? new Set()).add(room))
    }
  }
  return [...rooms]
    .filter(([, homes]) => homes.size > 1)
    .map(([name, homes]) => `${name} has more than one home: ${[...homes].toSorted().join(', ')}.`)
}

/** The file of this repository that a specifier means; undefined for packages. */
function targetOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return new URL(specifier, `file:///${path}`).pathname.slice(1)
}

/** `src/bus/bus.ts` is in the room `bus`; undefined for entry files, programs and tests. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room))
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
