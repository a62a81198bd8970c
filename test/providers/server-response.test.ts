import type { ServerResponse } from 'busline'
import { expect, test } from 'vitest'
import { noteResponse, requestIdOf } from '../../src/providers/server-response.ts'

test("a request's id is found under the name that its server gives it", () => {
  for (const name of [
    'x-request-id',
    'request-id',
    'x-ms-request-id',
    'apim-request-id',
    'x-generation-id',
  ]) {
    expect(requestIdOf(new Headers({ [name]: 'r1' }))).toBe('r1')
  }
  expect(requestIdOf(new Headers({ 'apim-request-id': 'gateway', 'x-request-id': 'model' }))).toBe('model')
  expect(requestIdOf(new Headers({ 'x-request-id': '', 'content-type': 'x' }))).toBeUndefined()
})

test('fields of an odd shape tell nothing of the answer', () => {
  const response: ServerResponse = {}
  noteResponse(response, { id: 7, created: 'now', system_fingerprint: '', service_tier: {} })
  expect(response).toEqual({})
  noteResponse(response, { id: 'a', created: 1.5, service_tier: 'flex' })
  expect(response).toEqual({ id: 'a', created: 1500, serviceTier: 'flex' })
})
