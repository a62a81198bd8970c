import { mkdtempSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hasCode, whyOf } from '../../src/files/file-errors.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'

test('hasCode knows a system error by its code', () => {
  const missing = thrownBy(() => readFileSync('/nowhere/at/all'))

  expect(hasCode(missing, 'ENOENT')).toBe(true)
  expect(hasCode(missing, 'EACCES')).toBe(false)
  expect(hasCode({ code: 'ENOENT' }, 'ENOENT')).toBe(false)
})

test('whyOf says what a system error means, without a path or a stack', () => {
  expect(whyOf(thrownBy(() => readFileSync('/nowhere/at/all')))).toBe('it does not exist')
  expect(whyOf(thrownBy(() => readFileSync('/')))).toBe('it is a folder')
  expect(whyOf(thrownBy(() => mkdtempSync('/dev/null/x')))).toBe('a part of the path is not a folder')
})

test('whyOf of anything else is its message', () => {
  expect(whyOf(new Error('a strange thing'))).toBe('a strange thing')
  expect(whyOf(Object.assign(new Error('odd'), { code: 'ESTRANGE' }))).toBe('odd')
  expect(whyOf('just text')).toBe('just text')
})
