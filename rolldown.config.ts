import { defineConfig } from 'rolldown'

/** The doors of the package and its programs, as tsc compiled them. */
const ENTRIES = [
  'src/index',
  'src/anthropic',
  'src/journal',
  'src/otel',
  'src/testing',
  'src/tokens',
  'programs/busline',
  'programs/function-chat',
]

/**
 * A door in one file: Node takes half a millisecond for each file that it loads, and there are some four hundred. Functions
 * keep their names, which journals and errors tell; other packages stay outside.
 */
export default defineConfig({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, `dist/.js/${entry}.js`])),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  output: { dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'src/[name]-[hash].js' },
})
