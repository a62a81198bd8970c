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
  test: { include: ['test/slow/**/*.test.ts'], testTimeout: 300_000 },
})
