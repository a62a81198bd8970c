import { defineConfig } from 'vitest/config'
import { ALIAS, SLOW } from './vitest.config.ts'

export default defineConfig({
  resolve: { alias: ALIAS },
  test: {
    include: SLOW,
    testTimeout: 300_000,
    // Else one core of two is idle.
    maxWorkers: '100%',
    globalSetup: 'test/acceptance/journal/fixtures/shared-folder.ts',
  },
})
