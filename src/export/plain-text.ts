/** Control characters but tab and newline, C1 controls, line ends beside `\n`, and marks that reorder text on a screen. */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text from a record as text alone: a line end is `\n`, and what a terminal or an editor would act on is shown (`\x1b`). */
export function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** JSON of a value on one line; what a terminal acts on is escaped as JSON has it, so nothing is lost. */
export function plainJson(value: unknown): string {
  return jsonOf(value).replace(
    UNSAFE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** JSON of a value; a text that says so for what is nested deeper than can be written, which a damaged file may hold. */
export function jsonOf(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent) ?? 'null'
  } catch (error) {
    if (error instanceof RangeError) return '"[nested too deep to be written]"'
    throw error
  }
}
