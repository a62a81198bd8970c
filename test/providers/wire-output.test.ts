import { OutputSchema } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { strictSchema, wireOutput } from '../../src/providers/wire-output.ts'

const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'array', items: { type: 'number' } } },
  required: ['city', 'days'],
}
const strict = { ...schema, additionalProperties: false }
const output = OutputSchema.parse({ name: 'forecast', schema })

test('a server that takes schemas gets it, strict where nothing in it may be missing', () => {
  expect(wireOutput(output, profileFor(undefined), true)).toEqual({
    format: { type: 'json_schema', json_schema: { name: 'forecast', schema: strict, strict: true } },
  })
  const loose = { ...schema, required: ['city'] }
  expect(wireOutput({ name: 'o', schema: loose }, profileFor(undefined), false)).toEqual({
    format: { type: 'json_schema', json_schema: { name: 'o', schema: loose, strict: false } },
  })
})

test('one that takes none is asked for a JSON object, and told the schema', () => {
  const asked = wireOutput(output, profileFor(undefined, 'deepseek'), false)
  expect(asked.format).toEqual({ type: 'json_object' })
  expect(asked.instruction).toMatch(/^Answer with JSON /)
  expect(asked.instruction).toContain(JSON.stringify(schema))
})

test('where tools are in the way, and where there is no format at all, it is only told', () => {
  for (const name of ['gemini', 'groq', 'llama.cpp']) {
    const asked = wireOutput(output, profileFor(undefined, name), true)
    expect(asked.format).toBeUndefined()
    expect(asked.instruction).toContain('When you have called the tools that you need')
  }
  const plain = profileFor(undefined, { output: 'instruction' })
  expect(Object.keys(wireOutput(output, plain, false))).toEqual(['instruction'])
})

test('what zod makes of a schema without optional parts can be strict, references and unions included', () => {
  const node = z.strictObject({ id: z.uuid(), next: z.nullable(z.number()), kind: z.enum(['a', 'b']) })
  const made = z.toJSONSchema(z.strictObject({ nodes: z.array(node), one: z.union([node, z.null()]) }))
  expect(strictSchema(made)).toEqual(made)
})

test.each([
  ['a property that may be missing', { ...schema, required: [] }],
  ['a map', { ...schema, additionalProperties: { type: 'string' } }],
  ['an open object', { ...schema, additionalProperties: true }],
  ['a part that may be missing', { ...strict, properties: { city: { ...schema, required: [] }, days: {} } }],
  [
    'a keyword that strict mode does not know',
    { ...strict, properties: { city: { minLength: 1 }, days: {} } },
  ],
  ['a default', { ...strict, properties: { city: { type: 'string', default: 'x' }, days: {} } }],
  ['a format of its own', { ...strict, properties: { city: { type: 'string', format: 'uri' }, days: {} } }],
  ['a choice at its root', { ...strict, anyOf: [{ type: 'object' }] }],
  ['no object at its root', { type: 'array', items: { type: 'string' } }],
])('%s can not be strict', (_what, given) => {
  expect(strictSchema(given)).toBeUndefined()
})
