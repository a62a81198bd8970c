import { openaiProvider } from 'busline'
import { expect, test } from 'vitest'
import { checkProfile, isWholeProfile } from '../../src/providers/check-profile.ts'
import { PROFILES } from '../../src/providers/profiles.ts'

test('each profile is a whole one', () => {
  for (const profile of PROFILES) {
    expect(() => checkProfile(profile)).not.toThrow()
    expect(isWholeProfile(profile), profile.name).toBe(true)
  }
  expect(isWholeProfile({ name: 'mine' })).toBe(false)
})

test.each([
  ['profile.reasoning.fields', '{"reasoning":{"echo":"always"}}'],
  ['profile.reasoning.echo', '{"reasoning":{"echo":"sometimes","fields":[]}}'],
  ['profile.thinktags', '{"thinktags":true}'],
  ['profile.names.legal', '{"names":{"legal":"[a-z]","longest":64}}'],
  ['profile.refuses', '{"refuses":"seed"}'],
  ['profile', '{"name":"vlm"}'],
])('a mistake is refused as %s', (option, json) => {
  // As from JavaScript, where nobody checks.
  expect(() => openaiProvider({ baseURL: 'http://localhost/v1', profile: JSON.parse(json) })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
  )
})
