/** Narrower, what stands in a last column goes on below its line. */
const LEAST_ROOM = 24

/**
 * A help text in lines that fit the screen, broken between words: what goes on stands under the last column of its line,
 * together with the lines there that go on with the same sentence.
 */
export function foldHelp(text: string, width: number): string {
  const lines = text.split('\n')
  const folded: string[] = []
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const column = lastColumnOf(line)
    if (line.length > width)
      while (goesOn(line, lines[0], column)) line += ` ${lines.shift()?.trimStart() ?? ''}`
    folded.push(...foldLine(line, column, width))
  }
  return folded.join('\n')
}

/** Where the text of a line begins, or that of its last column. */
function lastColumnOf(line: string): number {
  return /^ *(?:\S.*? {2,})?/.exec(line)?.[0].length ?? 0
}

function goesOn(line: string, next: string | undefined, column: number): boolean {
  return next !== undefined && next !== '' && !line.endsWith('.') && /^ */.exec(next)?.[0].length === column
}

function foldLine(line: string, column: number, width: number): string[] {
  const below = (/^ */.exec(line)?.[0].length ?? 0) + 2
  const indent = ' '.repeat(width - column >= LEAST_ROOM ? column : below)
  const lines: string[] = []
  let rest = line
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    // A word that is longer than the screen stays whole.
    if (rest.slice(0, space).trim() === '') break
    lines.push(rest.slice(0, space).trimEnd())
    rest = indent + rest.slice(space).trimStart()
  }
  return [...lines, rest]
}
