import { defineConfig } from 'vitest/config'

/** Checks of five seconds and more, which `npm run test:slow` and CI run: the others stay under two minutes together. */
export const SLOW = [
  'test/slow/**/*.test.ts',
  'test/acceptance/journal/**/*.test.ts',
  'test/bus/mailbox.test.ts',
  'test/context/budget.test.ts',
  'test/docs/command.test.ts',
  'test/docs/guides.test.ts',
  'test/engine/turn-invariants.test.ts',
  'test/journal/durability.test.ts',
  'test/journal/journal-faults.test.ts',
  'test/journal/recover-journal.test.ts',
  'test/model/model.test.ts',
  'test/programs/bad-input.test.ts',
  'test/programs/busline-prune.test.ts',
  'test/programs/busline-shell.test.ts',
  'test/programs/busline-test.test.ts',
  'test/programs/one-shot.test.ts',
  'test/programs/show.test.ts',
  'test/providers/contract/provider-contract.test.ts',
  'test/providers/hostile/hostile-streams.test.ts',
  'test/providers/hostile/memory.test.ts',
  'test/replay/world-guard.test.ts',
  'test/sessions/json-file-sessions.test.ts',
  'test/sessions/session-store.test.ts',
  'test/testing/simulate.test.ts',
  'test/tools/approval-after-kill.test.ts',
]

const source = (file: string): string => new URL(`./src/${file}`, import.meta.url).pathname

/** The doors of the package, longest first: a name also stands for what begins with it. */
export const ALIAS = {
  'busline/anthropic': source('anthropic.ts'),
  'busline/tokens': source('tokens.ts'),
  'busline/testing': source('testing.ts'),
  'busline/journal': source('journal.ts'),
  'busline/otel': source('otel.ts'),
  busline: source('index.ts'),
}

export default defineConfig({
  resolve: { alias: ALIAS },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...SLOW, '**/node_modules/**'],
    typecheck: { enabled: false },
    testTimeout: 20_000,
    globalSetup: 'test/acceptance/journal/fixtures/shared-folder.ts',
    // Two minutes for all, also on two cores: loading zod anew for each file takes longer than most files.
    isolate: false,
    maxWorkers: '100%',
  },
})
