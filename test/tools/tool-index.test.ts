import { toolIndex, type ToolIndex } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { searchTerms } from '../../src/tools/search-terms.ts'
import { stem } from '../../src/tools/stem.ts'

const NOTHING = { type: 'object' }

function tool(name: string, description = '', parameters: Record<string, unknown> = NOTHING) {
  return { name, description, parameters }
}

function namesOf(index: ToolIndex, query: string, limit = 10): string[] {
  return index.search(query, limit).map(({ name }) => name)
}

describe('toolIndex', () => {
  test('finds tools by name, description and parameters', () => {
    const index = toolIndex([
      tool('a', 'Sends mail.'),
      tool('get_weather'),
      tool('c', '', {
        type: 'object',
        properties: { city: { type: 'string', description: 'Where it rains.' } },
      }),
    ])

    expect(namesOf(index, 'mail')).toEqual(['a'])
    expect(namesOf(index, 'weather')).toEqual(['get_weather'])
    expect(namesOf(index, 'city')).toEqual(['c'])
    expect(namesOf(index, 'rains')).toEqual(['c'])
  })

  test('looks into the properties of inner objects, arrays and alternatives, and survives a schema that holds itself', () => {
    const parameters: Record<string, unknown> = {
      type: 'object',
      properties: {
        list: { type: 'array', items: { type: 'object', properties: { violin: {} } } },
        either: { anyOf: [{ type: 'object', properties: { trumpet: {} } }] },
      },
    }
    parameters['additionalProperties'] = parameters
    const index = toolIndex([tool('deep', '', parameters), tool('other')])

    expect(namesOf(index, 'violin')).toEqual(['deep'])
    expect(namesOf(index, 'trumpet')).toEqual(['deep'])
  })

  test('takes names apart, however they are written', () => {
    const names = [
      'getUserInvoice',
      'get_user_invoice',
      'user.getInvoice',
      'UserINVOICEReader',
      'invoice-of-user',
    ]
    expect(namesOf(toolIndex(names.map((name) => tool(name))), 'invoice').toSorted()).toEqual(
      names.toSorted(),
    )
  })

  test('finds other forms of a word, and ranks the same form higher', () => {
    const index = toolIndex([tool('a', 'calculation'), tool('b', 'calculates'), tool('c', 'sums')])
    expect(namesOf(index, 'calculates')).toEqual(['b', 'a'])
  })

  test('ranks a word in the name higher than the same word in a description, and that higher than in a parameter', () => {
    const index = toolIndex([
      tool('one', '', { type: 'object', properties: { invoice: {} } }),
      tool('two', 'invoice'),
      tool('invoice'),
    ])
    expect(namesOf(index, 'invoice')).toEqual(['invoice', 'two', 'one'])
  })

  test('ranks a rare word higher than a common one', () => {
    const index = toolIndex([
      tool('find_a', 'x'),
      tool('find_b', 'x'),
      tool('find_c', 'x'),
      tool('zebra', 'x'),
    ])
    expect(namesOf(index, 'find zebra', 1)).toEqual(['zebra'])
  })

  test('gives equal ones in the order in which they were given', () => {
    const index = toolIndex(['c', 'a', 'b'].map((name) => tool(name, 'same words')))
    expect(namesOf(index, 'words')).toEqual(['c', 'a', 'b'])
    expect(namesOf(index, 'words', 2)).toEqual(['c', 'a'])
    expect(namesOf(toolIndex([tool('x', 'apple'), tool('y', 'zebra')]), 'zebra apple')).toEqual(['x', 'y'])
  })

  test.each(['', '   ', 'please do it for me', '???', 'nowhere'])('finds nothing for %j', (query) => {
    expect(toolIndex([tool('please_help', 'For you.')]).search(query, 5)).toEqual([])
  })

  test('is empty without tools', () => {
    expect(toolIndex([]).search('anything', 5)).toEqual([])
  })

  test('finds each tool at most once, at most as many as asked for, best first, the same each time', () => {
    const word = fc.constantFrom(
      'mail',
      'send',
      'sending',
      'weather',
      'city',
      'Größe',
      'constructor',
      'a',
      '7',
    )
    const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '))
    const tools = fc
      .array(fc.record({ description: text, property: word }), { maxLength: 12 })
      .map((all) =>
        all.map(({ description, property }, index) =>
          tool(`tool_${index}`, description, { type: 'object', properties: { [property]: {} } }),
        ),
      )

    fc.assert(
      fc.property(tools, text, fc.nat(15), (tools, query, limit) => {
        const found = toolIndex(tools).search(query, limit)
        const names = found.map(({ name }) => name)
        expect(found.length).toBeLessThanOrEqual(limit)
        expect(new Set(names).size).toBe(names.length)
        for (const [index, { name, score }] of found.entries()) {
          expect(score).toBeGreaterThan(0)
          const next = found[index + 1]
          if (!next) continue
          expect(score).toBeGreaterThanOrEqual(next.score)
          if (score === next.score) expect(numberOf(name)).toBeLessThan(numberOf(next.name))
        }
        expect(toolIndex(tools).search(query, limit)).toEqual(found)
        expect(toolIndex(tools).search(query, tools.length).slice(0, limit)).toEqual(found)
      }),
    )
  })
})

function numberOf(name: string): number {
  return Number(name.slice('tool_'.length))
}

describe('searchTerms', () => {
  test('gives each word and its stem, without accents, upper case and stop words', () => {
    expect(searchTerms('The Cafés of getHTTPStatus2')).toEqual([
      'cafes',
      'cafe*',
      'get',
      'get*',
      'http',
      'http*',
      'status',
      'statu*',
      '2',
      '2*',
    ])
  })

  test('takes no long time for long texts without a space', () => {
    const started = performance.now()
    for (const letter of ['a', 'b', 'A', 'é', '_', '1'])
      expect(searchTerms(letter.repeat(200_000)).length).toBeLessThanOrEqual(2)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('stem', () => {
  // Examples of Porter's article, each through all steps.
  test.each([
    ['caresses', 'caress'],
    ['ponies', 'poni'],
    ['cats', 'cat'],
    ['feed', 'feed'],
    ['agreed', 'agre'],
    ['plastered', 'plaster'],
    ['motoring', 'motor'],
    ['sing', 'sing'],
    ['conflated', 'conflat'],
    ['hopping', 'hop'],
    ['falling', 'fall'],
    ['filing', 'file'],
    ['happy', 'happi'],
    ['sky', 'sky'],
    ['relational', 'relat'],
    ['conditional', 'condit'],
    ['vietnamization', 'vietnam'],
    ['triplicate', 'triplic'],
    ['hopefulness', 'hope'],
    ['electrical', 'electr'],
    ['revival', 'reviv'],
    ['adjustment', 'adjust'],
    ['replacement', 'replac'],
    ['adoption', 'adopt'],
    ['probate', 'probat'],
    ['rate', 'rate'],
    ['controll', 'control'],
    ['roll', 'roll'],
    ['generalizations', 'gener'],
    ['oscillators', 'oscil'],
  ])('of %s is %s', (word, expected) => {
    expect(stem(word)).toBe(expected)
  })

  test.each(['is', 'größen', 'x2', '日本語', 'b'.repeat(41)])('leaves %s alone', (word) => {
    expect(stem(word)).toBe(word)
  })
})
