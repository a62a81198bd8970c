import { BuslineError, type JournalRecord } from 'busline'
import { isOpening, MESSAGE_TYPES, ProcessChange, type ScannedLine } from 'busline/journal'
import { counted } from '../function-chat/counted.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import type { Terminal } from './command.ts'
import { countTurns } from './count-turns.ts'
import { DamagedRecord } from './damaged-record.ts'
import { describeMessage } from './describe-message.ts'
import { describeRun, describeTurn, turnEnd, turnHead } from './describe-turn.ts'
import { fieldOf } from './excerpt.ts'
import type { OpenedRun } from './open-run.ts'
import { painter } from './paint.ts'
import { segmentsOf } from './run-files.ts'
import { firstLineOf, isLarge, lastTurnsOf, linesFrom, turnsIn, type Lines } from './show-lines.ts'
import type { Shown } from './show-options.ts'
import { checkedLines, soughtLines } from './sought-lines.ts'
import { tornBytes } from './torn-tail.ts'
import { LastTurns } from './last-turns.ts'
import { TurnRecords, type ShownTurn } from './turn-records.ts'
import { isOfSession, latestOf, turnMeant, turnStarts } from './turn-starts.ts'
import { previewRecord, WholeRecords } from './whole-record.ts'

type Run = OpenedRun & { readonly path: string }

/** Prints the turns of a run, in the order in which they end. Resolves to how many there are; 0 says that nothing was printed. */
export async function showTurns(run: Run, shown: Shown, terminal: Terminal): Promise<number> {
  const view = new TurnView(shown, terminal)
  const { lines, before } = await linesOf(run, shown)
  if (lines === undefined) return 0
  const turns = new TurnRecords()
  const change = new ProcessChange()
  const whole = new WholeRecords(run.name === 'stdin' ? undefined : run.path)
  /** What is printed when it is known that no more than `last` turns follow. */
  const kept = new LastTurns(shown.last)
  const show = async (turn: ShownTurn): Promise<void> => {
    if (shown.last === Infinity) return view.turn(turn)
    kept.add(turn)
  }
  let count = 0
  try {
    for await (const batch of lines) {
      if (terminal.signal.aborted) return count
      for (const line of batch) {
        if (!isOfSession(line.envelope, shown.session) && !isOpening(line.envelope)) continue
        const ended = take(turns, line, { view, whole, path: run.path })
        for (const turn of ended) {
          count++
          await show(turn)
        }
        const isStart = change.at(line.envelope, () => previewRecord(line))
        if (isStart && !shown.json && shown.last === Infinity) await view.start(previewRecord(line))
      }
    }
    for (const turn of turns.unfinished()) {
      count++
      await show(turn)
    }
  } finally {
    // What stands before a damaged line is shown, too.
    const turns = kept.turns()
    if (turns.length > 0)
      await view.last(turns, { earlier: before + kept.earlier, first: await firstLineOf(run.path) })
  }
  if (whole.missing) throw whole.missing
  return before + count
}

/** The lines to read, and how many turns begin before them; no lines where there is no turn. */
async function linesOf(run: Run, shown: Shown): Promise<{ lines: Lines | undefined; before: number }> {
  const { path, onTornTail } = run
  const { turn, last } = shown
  if (turn !== undefined) {
    return { lines: linesOfTurn(run, await turnMeant(run, shown)), before: 0 }
  }
  const files = segmentsOf(path)
  if (last === Infinity || !isLarge(files)) return { lines: checkedLines(path, { onTornTail }), before: 0 }
  return linesOfEnd({ ...run, files }, shown)
}

async function* linesOfTurn({ path, onTornTail }: Run, turn: string): AsyncGenerator<readonly ScannedLine[]> {
  const containing = `"turn":${JSON.stringify(turn)}`
  for await (const lines of soughtLines(path, { onTornTail, containing, besides: ['"turn": '] }))
    yield lines.filter(({ envelope }) => envelope.turn === turn)
}

async function linesOfEnd(
  { path, files, onTornTail }: Run & { files: readonly string[] },
  { session, last }: Shown,
): Promise<{ lines: Lines | undefined; before: number }> {
  if (session === undefined) {
    const count = countTurns(files)
    if (count === 0) return { lines: undefined, before: 0 }
    const lines = count < last ? undefined : await lastTurnsOf(path, last)
    if (lines) {
      const bytes = tornBytes(files.at(-1) ?? path)
      if (bytes > 0) onTornTail({ line: (lines.at(-1)?.line ?? 0) + 1, bytes })
      return { lines: [lines], before: count - turnsIn(lines) }
    }
  }
  const starts = await turnStarts(path, { session, onTornTail })
  const wanted = latestOf(starts, last)
  if (wanted.length === 0) return { lines: undefined, before: 0 }
  const from = wanted.reduce((least, { seq }) => Math.min(least, seq), Infinity)
  return { lines: linesFrom(path, from), before: starts.filter(({ seq }) => seq < from).length }
}

function take(
  turns: TurnRecords,
  line: ScannedLine,
  { view, whole, path }: { view: TurnView; whole: WholeRecords; path: string },
): ShownTurn[] {
  if (view.wants(line.envelope)) view.hear(whole.of(line))
  if (!TurnRecords.wants(line.envelope)) return []
  try {
    return turns.take(whole.of(line))
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error
    const { kind, type, seq } = error.record
    const why = `it is no ${kind} of ${type}`
    throw new BuslineError('JOURNAL_DAMAGED', `Line ${seq + 1} of ${path} is damaged: ${why}.`, {
      cause: error,
    })
  }
}

/** How turns are printed: described, with their full messages, or as JSON. */
class TurnView {
  readonly #shown: Shown
  readonly #terminal: Terminal
  readonly #paint
  /** By turn, until the turn is printed. */
  #messages = new Map<string, unknown[]>()

  constructor(shown: Shown, terminal: Terminal) {
    this.#shown = shown
    this.#terminal = terminal
    this.#paint = painter(terminal.color)
  }

  isStart(record: Readonly<JournalRecord>): boolean {
    return !this.#shown.json && isOpening(record)
  }

  /** Whether a record holds messages that are to be shown in full. */
  wants({ kind, type, turn }: Readonly<JournalRecord>): boolean {
    return (
      this.#shown.messages &&
      kind === 'command' &&
      type === MESSAGE_TYPES.appendMessages &&
      turn !== undefined
    )
  }

  hear({ turn = '', data }: JournalRecord): void {
    const messages = fieldOf(data, 'messages')
    if (!Array.isArray(messages)) return
    const known = this.#messages.get(turn) ?? []
    this.#messages.set(turn, known)
    known.push(...messages)
  }

  start(record: JournalRecord): Promise<void> {
    return this.#terminal.output.print(describeRun(record))
  }

  turn(turn: ShownTurn): Promise<void> {
    return this.#terminal.output.print(this.#described(turn))
  }

  /** The last turns of a run, under its header. */
  async last(
    turns: readonly ShownTurn[],
    { earlier, first }: { earlier: number; first: ScannedLine | undefined },
  ): Promise<void> {
    if (first && this.isStart(first.envelope)) await this.start(previewRecord(first))
    if (earlier > 0 && !this.#shown.json) {
      const told = `… ${counted(earlier, 'turn')} came before; --all shows them, --turn N one of them`
      await this.#terminal.output.print(`${this.#paint('dim', told)}\n`)
    }
    for (const turn of turns) await this.turn(turn)
  }

  #described(turn: ShownTurn): string {
    if (this.#shown.json) return jsonLine(turn)
    const messages = this.#messages.get(turn.turn)
    if (!this.#shown.messages || messages === undefined) return describeTurn(turn, this.#paint)
    this.#messages.delete(turn.turn)
    return [
      `\n${turnHead(turn, this.#paint)}\n`,
      ...messages.map((message) => describeMessage(message, this.#paint)),
      ...turnEnd(turn, this.#paint).map((line) => `${line}\n`),
    ].join('')
  }
}
