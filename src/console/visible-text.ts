/**
 * Control characters but tab and newline, the C1 controls (0x9b alone starts an escape sequence in some terminals), and the
 * marks that reorder text on the screen (Unicode technical report 36, "Trojan source").
 */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Makes text from outside safe to show in a terminal: what could move the cursor, change colours or reorder the line is
 * shown as an escape (`\x1b`), not sent.
 */
export function visibleText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same for a JSON text: as JSON has it, so that it can be parsed again. */
export function visibleJson(json: string): string {
  return json.replace(
    UNSAFE,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

/** The same on one line: newlines and tabs are shown too, and the rest is cut at `width` characters. */
export function visibleLine(text: string, width = Infinity): string {
  const line = visibleText(text.length > width * 2 ? text.slice(0, width * 2) : text)
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
  return line.length > width ? `${line.slice(0, width - 1)}…` : line
}
