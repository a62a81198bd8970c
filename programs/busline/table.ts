import { cutToWidth, fillEnd, fillStart, textWidth } from 'busline/journal'

/** A column of a table; its cells are one line each and hold no escapes. */
export interface Column<T> extends Room {
  readonly title: string
  readonly align?: 'left' | 'right'
  cell(row: T): string
}

/** What a column gives up where the table is wider than the screen. */
export interface Room {
  /** Left out, the higher the sooner; 0 (default) stays. */
  readonly spare?: number
  /** To how many columns of the screen its cells may be cut when nothing is left to leave out (default: they stay whole). */
  readonly least?: number
}

const GAP = 2

/** Rows as an aligned table with a line of titles, each line without blanks at its end. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width = Infinity): string[] {
  const cells = columns.map((column) => [column.title, ...rows.map((row) => column.cell(row))])
  const widths = fitted(
    columns,
    cells.map((column) => Math.max(...column.map((cell) => textWidth(cell)))),
    width,
  )
  return [columnsLine(0), ...rows.map((_row, index) => columnsLine(index + 1))]

  function columnsLine(index: number): string {
    return columns
      .flatMap(({ align }, column) => {
        const wide = widths[column] ?? 0
        const cell = cutToWidth(cells[column]?.[index] ?? '', wide)
        return wide === 0 ? [] : [align === 'right' ? fillStart(cell, wide) : fillEnd(cell, wide)]
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  }
}

/** How wide columns are within `width`; 0 of one that is left out. What can't be made to fit stays too wide. */
export function fitted(rooms: readonly Room[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted]
  const over = (): number => {
    const shown = widths.filter((one) => one > 0)
    return shown.reduce((sum, one) => sum + one + GAP, -GAP) - width
  }
  while (over() > 0) {
    const spare = Math.max(0, ...rooms.map((room, column) => (widths[column] ? (room.spare ?? 0) : 0)))
    if (spare === 0) break
    widths[rooms.findLastIndex((room, column) => room.spare === spare && widths[column])] = 0
  }
  for (const [column, { least = Infinity }] of rooms.entries()) {
    const wide = widths[column] ?? 0
    if (wide > least) widths[column] = Math.max(least, wide - Math.max(0, over()))
  }
  return widths
}
