import {
  beginsLaterSegment,
  isOpening,
  lastLines,
  ProcessChange,
  type RunLine,
  type RunLines,
} from 'busline/journal'

/** As many lines are looked at from the end of a file that is not read whole. */
const LAST_LINES = 2000

/** Follows which commands have no result yet, of the process that wrote last. */
export class OpenCommands {
  #open = new Set<string>()
  #process = new ProcessChange()

  get any(): boolean {
    return this.#open.size > 0
  }

  /** Gives lines on as they are. */
  async *watch(batches: RunLines): AsyncGenerator<readonly RunLine[]> {
    for await (const batch of batches) {
      for (const line of batch) this.#take(line)
      yield batch
    }
  }

  #take(line: RunLine): void {
    const { kind, id, of } = line.envelope
    if (kind === 'command' && id !== undefined) this.#open.add(id)
    else if (kind === 'result' && of !== undefined) this.#open.delete(of)
    else if (this.#process.at(line.envelope, () => line.record())) this.#open.clear()
  }
}

/** Whether a command among the last lines of a file has no result there. */
export async function endsOpen(path: string): Promise<boolean> {
  const ended = new Set<string>()
  let lines = 0
  let isOpen = false
  await lastLines(path, (line) => {
    const { kind, id, of } = line.envelope
    if (kind === 'result' && of !== undefined) ended.add(of)
    else if (kind === 'command' && id !== undefined && !ended.has(id)) isOpen = true
    return isOpen || begins(line) || ++lines >= LAST_LINES
  })
  return isOpen
}

/** Whether a process begins to write with a line, and not only the next segment of one. */
function begins(line: RunLine): boolean {
  return isOpening(line.envelope) && !beginsLaterSegment(line.record())
}
