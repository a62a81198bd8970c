import { fillEnd, fillStart, textWidth } from './text-width.ts'

/** Rows under a head, the first column to the left, numbers to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => textWidth(row[column] ?? ''))))
  return all.map((row) => `${rowText(row, widths)}\n`).join('')
}

function rowText(row: readonly string[], widths: readonly number[]): string {
  const cells = widths.map((width, column) => {
    const cell = row[column] ?? ''
    return column === 0 ? fillEnd(cell, width) : fillStart(cell, width)
  })
  return cells.join('  ').trimEnd()
}
