import { test } from 'vitest'
import { expectSameAgain } from './fixtures/random-work.ts'

test('whatever handlers schedule, wait for and compute in a busy process: run again, it is the same', async () => {
  await expectSameAgain({ numRuns: 60 })
})
