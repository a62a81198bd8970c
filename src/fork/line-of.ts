import { scanJournal, type JournalSource } from '../journal/scan-journal.ts'
import { BuslineError } from '../messages/busline-error.ts'

/** How many ids an error names. */
const NAMED = 8

/**
 * The line, counted from 1, at which a message was sent: a command or an event by its id, or by the beginning of one that no
 * other has.
 *
 * @throws BuslineError `MESSAGE_NOT_IN_RUN` when there is none, or more than one begins so
 */
export async function lineOf(source: JournalSource, id: string): Promise<number> {
  const found: { id: string; line: number }[] = []
  let others = 0
  for await (const lines of scanJournal(source)) {
    for (const { envelope, line } of lines) {
      if (envelope.id === id) return line
      if (id === '' || envelope.id?.startsWith(id) !== true) continue
      if (found.length < NAMED) found.push({ id: envelope.id, line })
      else others++
    }
  }
  const [only, ...more] = found
  if (only && more.length === 0) return only.line
  const named = found.map((one) => JSON.stringify(one.id)).join(', ')
  const why = only
    ? `${JSON.stringify(id)} is the beginning of ${found.length + others} ids: ${named}${others > 0 ? ', …' : ''}. Say more of it.`
    : `The run holds no message ${JSON.stringify(id.slice(0, 80))}. Name a command or an event by its id, or a line by its number.`
  throw new BuslineError('MESSAGE_NOT_IN_RUN', why, { data: { id } })
}
