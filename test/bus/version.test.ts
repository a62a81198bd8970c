import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUSLINE_VERSION } from '../../src/bus/version.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

test('journals name the version that package.json does', () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

  expect(manifest).toMatchObject({ name: 'busline', version: BUSLINE_VERSION })
  expect(recordedBus().journal.records).toMatchObject([{ data: { busline: BUSLINE_VERSION } }])
})
