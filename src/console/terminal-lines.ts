import { createInterface, type Interface } from 'node:readline'

export interface TerminalLines {
  /**
   * Writes a prompt and resolves to the line that answers it; null at Ctrl-C and at the end of the input. With a `prefill` a
   * terminal lets the person edit that text. Rejects with the signal's reason.
   */
  ask(prompt: string, options: { signal: AbortSignal; prefill?: string }): Promise<string | null>
  close(): void
}

/** What a readable stream has that is a terminal. */
interface RawMode {
  setRawMode(isRaw: boolean): unknown
}

interface Waiting {
  answer(line: string | null): void
}

/**
 * Reads answers line by line. Of a terminal, lines that were typed before the question are dropped: nobody may approve what he
 * has not seen. Of a pipe they are kept: there a script has written them.
 */
export function terminalLines(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): TerminalLines {
  const isTerminal = isTTY(input) && isTTY(output)
  const early: string[] = []
  let reader: Interface | undefined
  let waiting: Waiting | undefined
  let isOver = false

  const setRaw = (isRaw: boolean): void => {
    if (isTerminal && hasRawMode(input)) input.setRawMode(isRaw)
  }

  // When the first question comes, not before: a program may have nothing to ask, and its input to itself.
  const open = (): Interface => {
    if (reader) return reader
    const opened = createInterface({ input, output, terminal: isTerminal, historySize: 0 })
    opened.on('line', (line) => {
      if (waiting) waiting.answer(line)
      else if (!isTerminal) early.push(line)
    })
    opened.on('SIGINT', () => waiting?.answer(null))
    opened.on('close', () => {
      isOver = true
      waiting?.answer(null)
    })
    reader = opened
    return opened
  }

  return {
    async ask(prompt, { signal, prefill }) {
      const lines = open()
      if (isTerminal && !isOver) {
        setRaw(true)
        await dropTyped(lines)
      }
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          if (!isOver) setRaw(false)
          return reject(signal.reason)
        }
        const end = (): void => {
          waiting = undefined
          signal.removeEventListener('abort', abort)
          if (isOver) return
          lines.pause()
          // Between questions Ctrl-C belongs to the program again.
          setRaw(false)
        }
        const abort = (): void => {
          end()
          // What was typed so far answers nothing.
          if (isTerminal && !isOver) lines.write(null, { ctrl: true, name: 'u' })
          output.write('\n')
          reject(signal.reason)
        }
        signal.addEventListener('abort', abort, { once: true })
        waiting = {
          answer: (line) => {
            end()
            resolve(line)
          },
        }
        const next = early.shift()
        if (next !== undefined || isOver) {
          output.write(prompt)
          return waiting.answer(next ?? null)
        }
        lines.setPrompt(prompt)
        lines.prompt()
        if (isTerminal && prefill !== undefined) lines.write(prefill)
      })
    },
    close() {
      reader?.close()
    },
  }
}

function hasRawMode(stream: object): stream is RawMode {
  return 'setRawMode' in stream && typeof stream.setRawMode === 'function'
}

function isTTY(stream: object): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}

/** Lets what was typed so far arrive, which takes one round of input and output, and clears the line. */
async function dropTyped(lines: Interface): Promise<void> {
  lines.resume()
  for (let round = 0; round < 2; round++) await new Promise((resolve) => setImmediate(resolve))
  lines.write(null, { ctrl: true, name: 'e' })
  lines.write(null, { ctrl: true, name: 'u' })
}
