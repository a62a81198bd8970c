import { rolldown, type InputOptions, type OutputChunk, type OutputOptions } from 'rolldown'

/** What tsc compiled. */
const COMPILED = `${import.meta.dirname}/dist/.js`

const DOORS = ['index', 'anthropic', 'journal', 'otel', 'testing', 'tokens']
const PROGRAMS = ['busline', 'function-chat']

/**
 * Few files: Node takes half a millisecond for each that it loads, and there are some four hundred. Functions keep their
 * names, which journals and errors tell; other packages stay outside. The programs import the doors by name as their users do,
 * but get of them the modules that they use, no more: a command that reads a file should not wait for engine, bus and zod.
 */
const input: InputOptions = {
  input: Object.fromEntries([
    ...DOORS.map((door) => [`src/${door}`, `door:${door}`]),
    ...PROGRAMS.map((program) => [`programs/${program}`, `${COMPILED}/programs/${program}.js`]),
  ]),
  platform: 'node',
  external: (id) => !/^[./]|^door:/.test(id) && doorNamed(id) === undefined,
  plugins: [
    {
      name: 'doors',
      resolveId(id) {
        const door = doorNamed(id)
        return door === undefined ? (id.startsWith('door:') ? id : null) : `${COMPILED}/src/${door}.js`
      },
      // A module of its own is the entry: one that others import as well would bring along all that it exports.
      load: (id) => (id.startsWith('door:') ? `export * from '${COMPILED}/src/${id.slice(5)}.js'` : null),
    },
  ],
}
const output: OutputOptions = {
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'src/[name]-[hash].js',
}

/** What a program loads that only reads: these modules stay apart from the rest of what the package's first door loads. */
const READING = ['programs/busline', 'show', 'stats', 'search', 'why', 'tail', 'runs']

const groups = await together()
export default { ...input, output: { ...output, codeSplitting: { groups } } }

/**
 * Left to itself each combination of doors and programs that need a module becomes a file, some twenty to import the first
 * door. So what that door loads is put into two: what reading programs load as well, and the rest.
 */
async function together() {
  const { output: built } = await (await rolldown(input)).generate(output)
  const chunks = built.filter((one): one is OutputChunk => one.type === 'chunk')
  const eager = modulesOf(chunks, ({ name }) => name === 'src/index')
  const reading = modulesOf(chunks, ({ name }) => READING.includes(name))
  return [
    { name: 'reading', test: (id: string) => eager.has(id) && reading.has(id), priority: 2 },
    { name: 'app', test: (id: string) => eager.has(id) && !reading.has(id), priority: 1 },
  ]
}

/** The modules in some chunks, and in all that these import when they are loaded. */
function modulesOf(chunks: readonly OutputChunk[], first: (chunk: OutputChunk) => boolean): Set<string> {
  const found = new Set<OutputChunk>()
  const take = (chunk: OutputChunk): void => {
    if (found.has(chunk)) return
    found.add(chunk)
    for (const file of chunk.imports) for (const other of chunks) if (other.fileName === file) take(other)
  }
  for (const chunk of chunks) if (first(chunk)) take(chunk)
  return new Set([...found].flatMap(({ moduleIds }) => moduleIds))
}

function doorNamed(id: string): string | undefined {
  const [, door = 'index'] = /^busline(?:\/(\w+))?$/.exec(id) ?? [undefined, '']
  return DOORS.find((name) => name === door)
}
