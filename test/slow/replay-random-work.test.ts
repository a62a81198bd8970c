import { test } from 'vitest'
import { expectSameAgain } from '../replay/fixtures/random-work.ts'

test('three hundred programs of a busy process: run again, each is the same', async () => {
  await expectSameAgain({ numRuns: 300 })
}, 120_000)
