import { defineConfig } from 'rolldown'

/** What tsc compiled. */
const COMPILED = `${import.meta.dirname}/dist/.js`

const DOORS = ['index', 'anthropic', 'journal', 'otel', 'testing', 'tokens']
const PROGRAMS = ['busline', 'function-chat']

/**
 * Few files: Node takes half a millisecond for each that it loads, and there are some four hundred. Functions keep their
 * names, which journals and errors tell; other packages stay outside. The programs import the doors by name as their users do,
 * but get of them the modules that they use, no more: a command that reads a file should not wait for engine, bus and zod.
 */
export default defineConfig({
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
  output: { dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'src/[name]-[hash].js' },
})

function doorNamed(id: string): string | undefined {
  const [, door = 'index'] = /^busline(?:\/(\w+))?$/.exec(id) ?? [undefined, '']
  return DOORS.find((name) => name === door)
}
