/**
 * Where the heavy field of a line begins. Found without reading the envelope: in JSON a quote inside a string is escaped,
 * so these characters are always a key, never text. Which depth it stands at they don't tell; but cut off before a key
 * that stands deeper, the line is no object.
 */
const HEAVY = /,"(?:data|output|error)":/g

/**
 * Finds in a text of many lines where the envelope of a line ends, -1 when the line has no heavy field. To be asked line by
 * line, forwards.
 */
export function envelopeEnds(text: string): (start: number, end: number) => number {
  const heavy = new RegExp(HEAVY)
  let next = -1
  let over = false
  return (start, end) => {
    if (!over && next < start) {
      heavy.lastIndex = start
      next = heavy.exec(text)?.index ?? -1
      over = next === -1
    }
    return !over && next < end ? next : -1
  }
}
