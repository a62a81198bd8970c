import { defineConfig } from 'vitest/config'
import { ALIAS, SLOW } from './vitest.config.ts'

export default defineConfig({
  resolve: { alias: ALIAS },
  // Else one core of two is idle.
  test: { include: SLOW, testTimeout: 300_000, maxWorkers: '100%' },
})
