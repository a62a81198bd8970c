import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { circlesIn, importsOf, violationsIn, type SourceFile } from './house-rules.ts'

const ROOT = new URL('../../', import.meta.url).pathname

function filesUnder(folder: string): SourceFile[] {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.split(sep).join('/')}`)
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

describe('the house', () => {
  test('has something to check', () => {
    expect(filesUnder('src').length).toBeGreaterThan(40)
    expect(importsOf(readFileSync(join(ROOT, 'src/bus/dispatch.ts'), 'utf8')).length).toBeGreaterThan(10)
  })

  test('keeps its floors, homes and names, and has no circle', () => {
    expect(violationsIn([...filesUnder('src'), ...filesUnder('programs')])).toEqual([])
  })

  test('has a README in every room that has a file', () => {
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && filesUnder(`src/${entry.name}`).length > 0)
      .map((entry) => entry.name)

    expect(rooms.filter((room) => !existsSync(join(ROOT, 'src', room, 'README.md')))).toEqual([])
  })
})

describe('the checker lets through', () => {
  test.each<[string, string, string]>([
    ['a room its own files', 'src/bus/a.ts', "import { b } from './b.ts'"],
    ['a room the floors below', 'src/tools/a.ts', "import type { B } from '../bus/b.ts'"],
    ['the engine the floors 0 and 1', 'src/engine/a.ts', "import { b } from '../messages/b.ts'"],
    [
      'an entry file everything',
      'src/index.ts',
      "export * from './engine/a.ts'\nimport OpenAI from 'openai'",
    ],
    [
      'a program the public entry points',
      'programs/a.ts',
      "import { a } from 'busline'\nimport 'busline/testing'",
    ],
    [
      'a program its own files',
      'programs/a/main.ts',
      "import { b } from './b.ts'\nimport { c } from '../c.ts'",
    ],
    ['a package at home', 'src/console/a.ts', "import { pino } from 'pino'"],
    ['zod anywhere', 'src/tools/a.ts', "import * as z from 'zod'\nimport { core } from 'zod/mini'"],
    [
      'what only looks like an import',
      'src/messages/a.ts',
      "const a = `\n  import x from 'openai'`\n// import 'pino'\n",
    ],
  ])('%s', (_, path, text) => {
    expect(violationsIn([{ path, text }])).toEqual([])
  })
})

describe('the checker finds', () => {
  test.each<[string, string, string, RegExp]>([
    ['an import up', 'src/messages/a.ts', "import { b } from '../bus/b.ts'", /imports go down/],
    ['an import up of a type', 'src/bus/a.ts', "import type { B } from '../engine/b.ts'", /imports go down/],
    ['an import up that is a re-export', 'src/bus/a.ts', "export * from '../tools/b.ts'", /imports go down/],
    ['an import up that is dynamic', 'src/bus/a.ts', "await import('../tools/b.ts')", /imports go down/],
    [
      'an import over several lines',
      'src/bus/a.ts',
      "import {\n  a,\n  b,\n} from '../tools/b.ts'",
      /imports go down/,
    ],
    ['a neighbour', 'src/tools/a.ts', "import { b } from '../sessions/b.ts'", /rooms of one floor/],
    [
      'bus and files as neighbours',
      'src/files/a.ts',
      "import { b } from '../bus/b.ts'",
      /rooms of one floor/,
    ],
    [
      'a room of floor 2 in the engine',
      'src/tools/a.ts',
      "import { b } from '../engine/b.ts'",
      /imports go down/,
    ],
    ['the entry file in a room', 'src/tools/a.ts', "import { b } from '../index.ts'", /entry files/],
    ['the package in a room', 'src/tools/a.ts', "import { b } from 'busline'", /entry files/],
    ['a package away from home', 'src/engine/a.ts', "import OpenAI from 'openai'", /its home is providers/],
    ['a subpath of it', 'src/bus/a.ts', "import { b } from 'openai/resources'", /its home is providers/],
    ['a package on floor 0', 'src/messages/a.ts', "import { b } from '@scope/b/c'", /zod and nanoid only/],
    ['the source in a program', 'programs/a.ts', "import { b } from '../src/bus/b.ts'", /entry points/],
    ['a room on no floor', 'src/attic/a.ts', '', /stands on no floor: attic/],
    ['a barrel inside a room', 'src/bus/index.ts', '', /barrel/],
    ['a junk drawer', 'src/bus/utils.ts', '', /drawer/],
    ['a junk drawer in a program', 'programs/chat/helpers.ts', '', /drawer/],
    ['a name that is not kebab-case', 'src/bus/messageBus.ts', '', /kebab-case/],
  ])('%s', (_, path, text, why) => {
    expect(violationsIn([{ path, text }])).toEqual([expect.stringMatching(why)])
  })

  test('a package in two rooms', () => {
    const files = ['tools', 'console'].map((room) => ({
      path: `src/${room}/a.ts`,
      text: "import 'lodash/fp'",
    }))

    expect(violationsIn(files)).toEqual(['lodash has more than one home: console, tools.'])
  })

  test('a circle, naming its files, but none where a type closes it', () => {
    const a = { path: 'src/bus/a.ts', text: "import { b } from './b.ts'" }
    const b = { path: 'src/bus/b.ts', text: "export { c } from './c.ts'" }
    const c = { path: 'src/bus/c.ts', text: "const a = await import('./a.ts')" }

    expect(circlesIn([a, b, c])).toEqual([['src/bus/a.ts', 'src/bus/b.ts', 'src/bus/c.ts', 'src/bus/a.ts']])
    expect(violationsIn([a, b, c])).toEqual([expect.stringContaining('src/bus/b.ts → src/bus/c.ts')])
    expect(circlesIn([a, { ...b, text: "import type { A } from './a.ts'" }])).toEqual([])
    expect(circlesIn([{ ...a, text: "import { a } from './a.ts'" }])).toEqual([
      ['src/bus/a.ts', 'src/bus/a.ts'],
    ])
  })
})

test('importsOf knows every form of an import', () => {
  const text = `
import 'one'
import two from "two"
import * as three from 'three'
import type { Four } from 'four'
import { type Five, five } from 'five'
export * from './six.ts'
export type { Seven } from './seven.ts'
export const from = 'not this one'
/* import 'nor' this */
async function later() {
  const { eight } = await import('eight')
}
`
  expect(importsOf(text)).toEqual([
    { specifier: 'one', typeOnly: false },
    { specifier: 'two', typeOnly: false },
    { specifier: 'three', typeOnly: false },
    { specifier: 'four', typeOnly: true },
    { specifier: 'five', typeOnly: false },
    { specifier: './six.ts', typeOnly: false },
    { specifier: './seven.ts', typeOnly: true },
    { specifier: 'eight', typeOnly: false },
  ])
})
