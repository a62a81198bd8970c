import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { busline: new URL('./src/index.ts', import.meta.url).pathname } },
  test: { include: ['test/slow/**/*.test.ts'], testTimeout: 300_000 },
})
