import { defineCommand, memoryJournal, MessageBus, spansOf } from 'busline'
import { textWidth, traceRows } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { drawTrace } from '../../programs/busline/draw-trace.ts'
import { table, type Column } from '../../programs/busline/table.ts'
import { listing } from '../../programs/function-chat/list-sessions.ts'

describe('columns stay straight with wide characters', () => {
  const names = ['東京 trip', 'plain', '👩‍👩‍👧‍👦', 'e\u0301te\u0301']

  /** The column of the screen at which a sign stands, of each line. */
  const columnsOf = (lines: readonly string[], sign: string) =>
    new Set(lines.map((line) => textWidth(line.slice(0, line.indexOf(sign)))))

  test('in tables', () => {
    const rows = names.map((name) => ({ name }))
    const columns = (least: number): Column<{ name: string }>[] => [
      { title: 'name', least, cell: ({ name }) => name },
      { title: '|', cell: () => '|' },
    ]
    expect(columnsOf(table(rows, columns(Infinity)), '|')).toEqual(new Set([11]))
    expect(columnsOf(table(rows, columns(4), 8), '|')).toEqual(new Set([7]))
  })

  test('in the list of sessions', () => {
    const sessions = names.map((model, id) => ({ id: `s${id}`, name: '|', model, turns: 1, updatedAt: 0 }))
    expect(columnsOf(listing(sessions).split('\n'), '|').size).toBe(1)
  })

  test('in the waterfall of a turn', async () => {
    const journal = memoryJournal()
    await using bus = new MessageBus({ journal })
    const parts = names.map((name) => defineCommand(`part.${name}`, { input: z.null(), output: z.null() }))
    const Whole = defineCommand('whole.run', { input: z.null(), output: z.null() })
    for (const part of parts) bus.handle(part, () => null)
    bus.handle(Whole, async (_input, scope) => {
      for (const part of parts) await scope.execute(part, null)
      return null
    })
    await bus.execute(Whole, null)

    const [whole] = await spansOf(journal.records)
    const rows = whole ? traceRows(whole) : []
    const drawn = drawTrace(rows, new Map(), { color: false, columns: 100 })
    const lines = drawn.trimEnd().split('\n').slice(2)
    expect(lines).toHaveLength(1 + names.length)
    expect(columnsOf(lines, ' ok ').size).toBe(1)
  })
})
