import { median } from './measure.ts'
import type { Row } from './run-table.ts'
import type { Table } from './table.ts'

/** One row as it is shown: medians of its rounds, and the first row's multiple where one figure is compared. */
interface Result {
  readonly row: Row
  readonly medians: readonly number[]
  readonly ratio: number | undefined
}

/** A Markdown table. */
export function markdown({ head, columns }: Table, rows: readonly Row[]): string {
  const titles = columns.length === 1 ? [...columns, '×'] : columns
  const lines = [
    [head, ...titles, 'rounds'],
    ['---', ...titles.map(() => '---:'), '---'],
    ...results(rows).map(({ row, medians, ratio }) => {
      if (row.failure !== undefined) return [row.name, ...titles.map(() => ''), 'failed']
      const multiple = ratio === undefined ? [] : [ratio.toFixed(3)]
      const first = row.rounds.map(([figure = Number.NaN]) => shown(figure)).join('; ')
      return [row.name, ...medians.map(shown), ...multiple, first]
    }),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** The same as JSON, one object a line. */
export function jsonLines(group: string, { head, columns }: Table, rows: readonly Row[]): string {
  const named = (figures: readonly number[]): object =>
    Object.fromEntries(columns.map((column, index) => [column, figures[index]]))
  return results(rows)
    .map(({ row, medians, ratio }) =>
      JSON.stringify({
        group,
        table: head,
        case: row.name,
        ...(row.failure === undefined
          ? { median: named(medians), ratio, rounds: row.rounds.map(named) }
          : { failure: row.failure }),
      }),
    )
    .join('\n')
}

function results(rows: readonly Row[]): Result[] {
  const base = firstFigures(rows[0])
  return rows.map((row) => {
    const medians = (row.rounds[0] ?? []).map((_, index) =>
      median(row.rounds.map((figures) => figures[index] ?? Number.NaN)),
    )
    // Round by round: what slows the machine for a minute slows both.
    const ratios = firstFigures(row).map((figure, round) => figure / (base[round] ?? Number.NaN))
    return { row, medians, ratio: medians.length === 1 ? median(ratios) : undefined }
  })
}

function firstFigures(row: Row | undefined): number[] {
  return (row?.rounds ?? []).map(([figure = Number.NaN]) => figure)
}

function shown(figure: number): string {
  return Math.abs(figure) > 1000 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2)
}
