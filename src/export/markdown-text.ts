import { plainText } from './plain-text.ts'

/**
 * A text as a fenced block that nothing in it can end: the fence is longer than any run of backticks in the text
 * (https://spec.commonmark.org/0.31.2/#fenced-code-blocks).
 */
export function fenced(text: string, language = 'text'): string {
  const plain = plainText(text)
  const fence = '`'.repeat(Math.max(2, longestRun(plain)) + 1)
  return `${fence}${language}\n${plain}\n${fence}\n`
}

/** A text as a code span on one line, for names and ids. */
export function code(text: string): string {
  const line = plainText(text).replaceAll(/\s+/g, ' ')
  const fence = '`'.repeat(longestRun(line) + 1)
  // A space inside the fence is taken off again; it parts a backtick at the edge from the fence.
  return line.startsWith('`') || line.endsWith('`') || line.trim() === ''
    ? `${fence} ${line} ${fence}`
    : fence + line + fence
}

/** A text in a line of HTML or Markdown: neither reads anything into it. */
export function escaped(text: string): string {
  return plainText(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('://', '&#58;//')
    .replaceAll(/[\\`*_[\]|~]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function longestRun(text: string): number {
  let longest = 0
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  return longest
}
