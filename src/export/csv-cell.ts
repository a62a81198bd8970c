import { plainText } from './plain-text.ts'

/** What a table's cell may hold; null is empty. */
export type Cell = string | number | null

/**
 * What makes a spreadsheet take a text for a formula, the full-width signs of East Asian keyboards included, and also behind
 * spaces, which some cut off. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/

/** One row of RFC 4180, its line end included. A text that a spreadsheet would run is given an apostrophe before it. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return String(cell)
  const plain = plainText(cell)
  const text = FORMULA.test(plain) ? `'${plain}` : plain
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
