import { expect, test } from 'vitest'
import { ReasoningAssembly, type ReasoningFields } from '../../src/providers/assemble-reasoning.ts'

function assembled(...deltas: Record<string, unknown>[]): { heard: string[]; fields: ReasoningFields } {
  const assembly = new ReasoningAssembly()
  const heard = deltas.map((delta) => assembly.add(delta))
  return { heard, fields: assembly.fields() }
}

test('reasoning keeps the name that it came under', () => {
  expect(assembled({ reasoning_content: 'a' }, { reasoning_content: 'b' }).fields).toEqual({
    reasoning_content: 'ab',
  })
  expect(assembled({ reasoning: 'a' }, { reasoning: null }).fields).toEqual({ reasoning: 'a' })
  expect(assembled({ content: 'text' }, { reasoning: '' }, { reasoning: 7 }).fields).toEqual({})
})

test('reasoning that comes under two names at once is heard once and kept twice', () => {
  expect(
    assembled({ reasoning: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a', index: 0 }] }),
  ).toEqual({
    heard: ['a'],
    fields: { reasoning: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a', index: 0 }] },
  })
})

test("Mistral's thinking parts are heard, and kept apart from the text", () => {
  const thinking = (text: string): Record<string, unknown> => ({
    content: [
      { type: 'thinking', thinking: [{ type: 'text', text }] },
      { type: 'text', text: 'said' },
    ],
  })
  expect(assembled(thinking('a'), thinking('b'))).toEqual({ heard: ['a', 'b'], fields: { thinking: 'ab' } })
})

test('the pieces of one detail are joined, and its signature comes with the last', () => {
  const detail = { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0 }
  expect(
    assembled(
      { reasoning_details: [{ ...detail, text: 'a' }] },
      { reasoning_details: [{ ...detail, text: 'b', signature: null }] },
      { reasoning_details: [{ ...detail, signature: 'sig' }] },
    ).fields,
  ).toEqual({ reasoning_details: [{ ...detail, text: 'ab', signature: 'sig' }] })
})

test('details of another index or type, without index, or in one list are not joined', () => {
  const list = [
    { type: 'reasoning.summary', summary: 'a', index: 0 },
    { type: 'reasoning.summary', summary: 'b', index: 0 },
  ]
  expect(assembled({ reasoning_details: list })).toEqual({
    heard: ['ab'],
    fields: { reasoning_details: list },
  })

  const pieces = [{ type: 'x', index: 0 }, { type: 'x', index: 1 }, { type: 'y', index: 1 }, { type: 'y' }]
  expect(assembled(...pieces.map((piece) => ({ reasoning_details: [piece] }))).fields).toEqual({
    reasoning_details: pieces,
  })
})
