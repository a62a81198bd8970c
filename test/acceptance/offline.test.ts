import { createApp, memoryJournal } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'

test('a journal tells that the built-in model answered, and that it cost nothing', async () => {
  const journal = memoryJournal()
  await using app = createApp({ offline: true, journal })
  expect(await app.chat('s1').send('And 24*7?')).toMatchObject({ cost: 0, model: 'gpt-4o-mini' })
  const [answer] = journal.records.filter(({ kind, type }) => kind === 'result' && type === 'model.call')
  expect(z.looseObject({}).parse(answer?.output)).toMatchObject({ provider: 'busline-offline', cost: 0 })
})
