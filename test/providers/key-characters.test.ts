import { expect, test } from 'vitest'
import { checkKeyCharacters } from '../../src/providers/key-characters.ts'

test('a key that no header carries is refused without being shown', () => {
  for (const key of ['sk-1\nsk-2', 'sk-“quoted”', '', 'sk-\u007f']) {
    expect(() => checkKeyCharacters(key)).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED', message: expect.not.stringContaining('sk-') }),
    )
  }
  expect(() => checkKeyCharacters('sk-abc ~!')).not.toThrow()
})
