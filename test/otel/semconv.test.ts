import { readFileSync } from 'node:fs'
import { ATTRIBUTES } from 'busline/otel'
import { expect, test } from 'vitest'

/** A line of the guide's table for each row of ours: one name where both versions have the same. */
const rows = Object.values(ATTRIBUTES).map((row) => {
  const { '1.41': old, latest } = row.names
  const star = 'content' in row ? ' \\*' : ''
  const name = (one: string | null): string => (one === null ? '' : `\`${one}\`${star}`)
  return [name(old), old === latest ? 'the same' : name(latest), row.on.join(', '), row.from]
})

test('the table of the guide is that of the code', () => {
  const guide = readFileSync(new URL('../../docs/opentelemetry.md', import.meta.url), 'utf8')
  const [, table = ''] = /\n\| 1\.41 .*\n\|[ |-]*\n((?:\|.*\n)*)/.exec(guide) ?? []
  const lines = table
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  expect(lines).toEqual(rows)
})

test('no name stands twice for one operation, so that no fact hides another', () => {
  for (const version of ['1.41', 'latest'] as const)
    for (const operation of ['chat', 'execute_tool', 'invoke_agent'] as const) {
      const all: readonly { on: readonly string[]; names: Record<string, string | null> }[] =
        Object.values(ATTRIBUTES)
      const names = all
        .filter(({ on }) => on.includes(operation))
        .flatMap(({ names: named }) => named[version] ?? [])
      expect(new Set(names).size).toBe(names.length)
    }
})
