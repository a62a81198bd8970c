import { BuslineError, visibleLine } from 'busline'
import type { ScannedLine } from 'busline/journal'
import { escapedJson } from '../function-chat/json-line.ts'
import type { Terminal } from './command.ts'
import { describeEvent, eventLine } from './describe-event.ts'
import type { OpenedRun } from './open-run.ts'
import { painter } from './paint.ts'
import { firstLineOf, lastLinesOf, type Lines } from './show-lines.ts'
import type { Shown } from './show-options.ts'
import { soughtLines } from './sought-lines.ts'
import { isOfSession, turnMeant } from './turn-starts.ts'
import { previewRecord } from './whole-record.ts'

type Run = OpenedRun & { readonly path: string }

/** Prints the messages of a run, a line each: aligned, as NDJSON, or as they stand in the file. */
export async function showEvents(
  run: Run,
  shown: Shown,
  how: 'events' | 'raw',
  terminal: Terminal,
): Promise<void> {
  const { output, width, signal, color } = terminal
  const { session, last, turn } = shown
  const id = turn === undefined ? undefined : await turnMeant(run, shown)
  const start = (await firstLineOf(run.path))?.envelope.time ?? 0
  const paint = painter(color)
  const print = (scanned: ScannedLine): string => {
    // What a terminal acts on is escaped as JSON has it; a pipe gets the bytes as they are.
    if (how === 'raw') return `${process.stdout.isTTY ? escapedJson(scanned.text()) : scanned.text()}\n`
    const record = previewRecord(scanned)
    if (shown.json) return eventLine(record, scanned.line)
    return describeEvent(record, { line: scanned.line, start, width, paint })
  }

  const isAsked = ({ envelope }: ScannedLine): boolean =>
    isOfSession(envelope, session) && (id === undefined || envelope.turn === id)
  const isFiltered = session !== undefined || id !== undefined
  const kept: ScannedLine[] = []
  let found = 0
  for await (const lines of await linesOf(run, { last, id, isFiltered })) {
    if (signal.aborted) return
    const asked = isFiltered ? lines.filter(isAsked) : lines
    found += asked.length
    if (last === Infinity) await output.print(asked.map(print).join(''))
    else kept.splice(0, Math.max(0, kept.push(...asked) - last))
  }
  await output.print(kept.map(print).join(''))
  if (found === 0 && session !== undefined)
    throw new BuslineError(
      'MESSAGE_NOT_IN_RUN',
      `There is nothing of a session ${visibleLine(session, 80)} in ${visibleLine(run.name, 80)}.`,
      { data: { run: run.name, session } },
    )
}

async function linesOf(
  { path, onTornTail }: Run,
  { last, id, isFiltered }: { last: number; id: string | undefined; isFiltered: boolean },
): Promise<Lines> {
  if (last !== Infinity && !isFiltered) return lastLinesOf(path, last)
  return soughtLines(path, {
    onTornTail,
    ...(id !== undefined && { containing: `"turn":${JSON.stringify(id)}`, besides: ['"turn": '] }),
  })
}
