import { expect, test } from 'vitest'
import { begins, isComplete, pieceIn, type OpenCall } from '../../src/providers/tool-call-piece.ts'

function open(text: string): OpenCall {
  return {
    id: '',
    name: 'f',
    arguments: text,
    lastPiece: text,
    isIndexed: false,
    nextId: '',
    extra: undefined,
  }
}

test('a part is read field by field, and an index may be a number in a string', () => {
  expect(pieceIn({ index: '2', id: 7, function: { name: 'f', arguments: { x: 1 } } })).toEqual({
    index: 2,
    id: '',
    name: 'f',
    arguments: '{"x":1}',
    extra: undefined,
  })
  const indexes = [0, '0', '12', '', 'one', null, '-1', '1.5'].map((index) => pieceIn({ index })?.index)
  expect(indexes).toEqual([0, 0, 12, ...Array(5).fill(undefined)])
  expect(pieceIn('x')).toBeUndefined()
})

test('arguments begin with a brace, in quotes or not, and are complete once they parse', () => {
  const piece = (text: string): ReturnType<typeof begins> =>
    begins({ index: undefined, id: '', name: 'f', arguments: text, extra: undefined })
  expect(['{', ' {"x"', '"{'].map(piece)).toEqual([true, true, true])
  expect(['', ' ', '}', ':1}', '5'].map(piece)).toEqual(Array(5).fill(false))
  expect(['{}', '{"x":1} ', '{}{"x":1}'].map((text) => isComplete(open(text)))).toEqual([true, true, true])
  expect(['', '{"x"', '{"x":1}{"y":2}'].map((text) => isComplete(open(text)))).toEqual([false, false, false])
})
