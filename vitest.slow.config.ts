import { defineConfig } from 'vitest/config'
import { SLOW } from './vitest.config.ts'

export default defineConfig({
  resolve: {
    alias: {
      'busline/anthropic': new URL('./src/anthropic.ts', import.meta.url).pathname,
      'busline/tokens': new URL('./src/tokens.ts', import.meta.url).pathname,
      'busline/testing': new URL('./src/testing.ts', import.meta.url).pathname,
      'busline/journal': new URL('./src/journal.ts', import.meta.url).pathname,
      'busline/otel': new URL('./src/otel.ts', import.meta.url).pathname,
      busline: new URL('./src/index.ts', import.meta.url).pathname,
    },
  },
  test: { include: [...SLOW], testTimeout: 300_000 },
})
