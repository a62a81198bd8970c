import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { RunLine } from './run-line.ts'

/** No program writes these characters otherwise than a journal does. */
const PLAIN = /^[\w .,:;!?()-]*$/

/**
 * One of these stands in each line that may hold texts without its bytes holding them: a reference to a value that stands beside
 * the journal, a streamed text in pieces, a character in another spelling than a journal has.
 */
export function besides(texts: readonly string[]): string[] {
  // Without the quotes that they begin with: a text that begins with a rare character is found many times as fast.
  return ['$blob"', 'deltas"', ...(texts.every((text) => PLAIN.test(text)) ? [] : ['\\u', '\\/'])]
}

/** Lines of a journal begin so; what another program wrote, or wrote again, begins otherwise. */
const OURS = /^\{(?:"v":1,)?"seq":\d+,"time":/
/** A journal escapes control characters and halves of characters, nothing else by its number. */
const REWRITE = /"\$blob"|\\\/|\\u(?!00[01]|d[89a-f])/
const PIECES = ',"data":{"deltas":[['
/** Between one piece of a streamed text and the next. */
const JOINT = /"\],\[\d+(?:\.\d+)?,"/g

/**
 * A line as it is searched: spelled, and its fields in the order, as a journal has them; big values in place of the references
 * to them (of lines that were scanned with `blobs: 'resolve'`, as far as they are there); a streamed text in one piece. Most
 * lines are that as they stand.
 */
export function searchedText(line: RunLine): string {
  const text = line.text()
  const whole = OURS.test(text) && !REWRITE.test(text) ? text : rewritten(line, text)
  return line.envelope.kind === 'event' && whole.includes(PIECES) ? whole.replaceAll(JOINT, '') : whole
}

/** The record of a line; references to big values that are not there any more stay in it. */
export function foundRecord(line: RunLine): JournalRecord {
  try {
    return line.record()
  } catch (error) {
    if (!(error instanceof BuslineError) || error.code !== 'BLOB_MISSING') throw error
    const record: JournalRecord = JSON.parse(line.text())
    return record
  }
}

function rewritten(line: RunLine, text: string): string {
  try {
    const { data, output, error } = foundRecord(line)
    return JSON.stringify({ ...line.envelope, data, output, error })
  } catch {
    // No JSON, or nested deeper than the stack.
    return text
  }
}
