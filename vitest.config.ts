import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: {
      'busline/anthropic': new URL('./src/anthropic.ts', import.meta.url).pathname,
      'busline/tokens': new URL('./src/tokens.ts', import.meta.url).pathname,
      'busline/testing': new URL('./src/testing.ts', import.meta.url).pathname,
      busline: new URL('./src/index.ts', import.meta.url).pathname,
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', '**/node_modules/**'],
    typecheck: { enabled: false },
    testTimeout: 20_000,
    // Two minutes for all, also on two cores: loading zod anew for each file takes longer than most files.
    isolate: false,
    maxWorkers: '100%',
  },
})
