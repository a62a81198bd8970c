import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: {
      'busline/testing': new URL('./src/testing.ts', import.meta.url).pathname,
      busline: new URL('./src/index.ts', import.meta.url).pathname,
    },
  },
  test: { include: ['test/slow/**/*.test.ts'], testTimeout: 300_000 },
})
