/** A column of a table; its cells are one line each and hold no escapes. */
export interface Column<T> {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Left out first, the higher the sooner, where the table is wider than the screen; 0 (default) stays. */
  readonly spare?: number
  cell(row: T): string
}

const GAP = 2

/** Rows as an aligned table with a line of titles, each line without blanks at its end. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width = Infinity): string[] {
  const laid = columns.map((column) => {
    const cells = [column.title, ...rows.map((row) => column.cell(row))]
    return { column, cells, width: Math.max(...cells.map((cell) => cell.length)) }
  })
  while (laid.reduce((sum, { width: one }) => sum + one + GAP, -GAP) > width) {
    const spare = laid.reduce((most, { column }) => Math.max(most, column.spare ?? 0), 0)
    if (spare === 0) break
    laid.splice(
      laid.findLastIndex(({ column }) => column.spare === spare),
      1,
    )
  }
  return [columnsLine(-1), ...rows.map((_row, index) => columnsLine(index))]

  function columnsLine(index: number): string {
    return laid
      .map(({ column, cells, width: wide }) => {
        const cell = cells[index + 1] ?? ''
        return column.align === 'right' ? cell.padStart(wide) : cell.padEnd(wide)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  }
}
