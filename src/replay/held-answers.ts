import { isToldAround } from './answer-before.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'

interface Held {
  readonly type: string
  readonly release: () => void
  hasEnded: boolean
}

/** Answers of effects whose handlers run again (`live`): held until the line is next that they were recorded at. */
export class HeldAnswers {
  #run: RecordedRun
  #held = new Map<string, Held>()

  constructor(run: RecordedRun) {
    this.#run = run
  }

  /** Resolves, or rejects, as the work does, once the answer is due. */
  async hold(message: { id: string; type: string }, work: Promise<unknown>): Promise<unknown> {
    let release: () => void = () => undefined
    const due = new Promise<void>((resolve) => (release = resolve))
    const held: Held = { type: message.type, release, hasEnded: false }
    this.#held.set(message.id, held)
    try {
      return await work
    } finally {
      held.hasEnded = true
      await due
    }
  }

  /** Releases the answer that a line needs, if its handler has ended; whether it does. */
  release(line: Expected): boolean {
    const lines = this.#inOneGo(line)
    if (lines.length === 0 || this.awaited(line).length > 0) return false
    for (const due of lines) {
      this.#of(due)?.release()
      this.#held.delete(idOf(due))
    }
    return true
  }

  /** The answers that a line waits for: those of handlers that still run. */
  awaited(line: Expected): Expected[] {
    return this.#inOneGo(line).filter((due) => this.#of(due)?.hasEnded === false)
  }

  releaseAll(): void {
    for (const { release } of this.#held.values()) release()
    this.#held.clear()
  }

  /** Answers that came in one go come in one go again. */
  #inOneGo(line: Expected): Expected[] {
    const lines: Expected[] = []
    for (let at: Expected | undefined = line; at && this.#run.isInOneGo(at, line) && this.#of(at);) {
      lines.push(at)
      at = at.record.kind === 'result' ? this.#run.lines[at.place + 1] : undefined
    }
    return lines
  }

  #of(line: Expected): Held | undefined {
    const held = this.#held.get(idOf(line))
    return held && (line.record.kind === 'result' || isToldAround(held.type, line.record)) ? held : undefined
  }
}

function idOf({ record }: Expected): string {
  return (record.kind === 'result' ? record.of : record.cause) ?? ''
}
