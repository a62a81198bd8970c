import { median } from './measure.ts'
import type { Row } from './run-table.ts'
import { multipleOf, type Relative, type Table } from './table.ts'

/** One row as it is shown: medians of its rounds. */
interface Result {
  readonly row: Row
  readonly medians: readonly number[]
  readonly relatives: readonly number[]
}

/** A Markdown table. */
export function markdown(table: Table, rows: readonly Row[]): string {
  const titles = [...table.columns, ...Object.keys(relativesOf(table))]
  const lines = [
    [table.head, ...titles, 'rounds'],
    ['---', ...titles.map(() => '---:'), '---'],
    ...results(table, rows).map(({ row, medians, relatives }) => {
      if (row.failure !== undefined) return [row.name, ...titles.map(() => ''), 'failed']
      const first = row.rounds.map(([figure = Number.NaN]) => shown(figure)).join('; ')
      return [row.name, ...medians.map(shown), ...relatives.map((figure) => figure.toFixed(3)), first]
    }),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** The same as JSON, one object a line. */
export function jsonLines(group: string, table: Table, rows: readonly Row[]): string {
  const named = (names: readonly string[], figures: readonly number[]): object =>
    Object.fromEntries(names.map((name, index) => [name, figures[index]]))
  return results(table, rows)
    .map(({ row, medians, relatives }) =>
      JSON.stringify({
        group,
        table: table.head,
        case: row.name,
        ...(row.failure === undefined
          ? {
              median: named(table.columns, medians),
              relative: named(Object.keys(relativesOf(table)), relatives),
              rounds: row.rounds.map((figures) => named(table.columns, figures)),
            }
          : { failure: row.failure }),
      }),
    )
    .join('\n')
}

function relativesOf({ columns, relative }: Table): Readonly<Record<string, Relative>> {
  return relative ?? (columns.length === 1 ? { '×': multipleOf(0) } : {})
}

function results(table: Table, rows: readonly Row[]): Result[] {
  const base = rows[0]?.rounds ?? []
  return rows.map((row) => ({
    row,
    medians: table.columns.map((_, index) =>
      median(row.rounds.map((figures) => figures[index] ?? Number.NaN)),
    ),
    // Round by round: what slows the machine for a minute slows both.
    relatives: Object.values(relativesOf(table)).map((relative) =>
      median(row.rounds.map((figures, round) => relative(figures, base[round] ?? []))),
    ),
  }))
}

function shown(figure: number): string {
  return Math.abs(figure) > 1000 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2)
}
