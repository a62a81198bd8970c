import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { inputLines, type InputLine } from '../../programs/function-chat/input-lines.ts'

function read(...chunks: (string | Uint8Array)[]): Promise<InputLine[]> {
  return readAll(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), new AbortController().signal)
}

async function readAll(stdin: Readable, signal: AbortSignal): Promise<InputLine[]> {
  const lines: InputLine[] = []
  for await (const line of inputLines(stdin, signal)) lines.push(line)
  return lines
}

describe('inputLines', () => {
  test('reads lines however the input is cut, the last one without a newline too', async () => {
    expect(await read('on', 'e\ntwo\r\n\nfo', 'ur')).toEqual([
      { number: 1, text: 'one' },
      { number: 2, text: 'two' },
      { number: 3, text: '' },
      { number: 4, text: 'four' },
    ])
    expect(await read()).toEqual([])
  })

  test('puts characters together that were cut between two chunks', async () => {
    const bytes = Buffer.from('é🙂\n')
    expect(await read(bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4))).toEqual([
      { number: 1, text: 'é🙂' },
    ])
  })

  test('a line that is not UTF-8 text is a problem of its own', async () => {
    const problem = expect.stringMatching(/^Line \d of the input is not UTF-8 text\. It was not sent/)
    expect(await read('good\n', Uint8Array.of(0xff, 0xfe, 0x0a), 'a\0b\n', 'fine')).toEqual([
      { number: 1, text: 'good' },
      { number: 2, problem },
      { number: 3, problem },
      { number: 4, text: 'fine' },
    ])
  })

  test('ends when the signal is aborted, though the input stays open', async () => {
    const stdin = new Readable({ read: () => undefined })
    const stop = new AbortController()
    const reading = readAll(stdin, stop.signal)
    stop.abort()
    expect(await reading).toEqual([])
  })

  test('an input that can not be read is a coded error', async () => {
    const stdin = new Readable({ read: () => stdin.destroy(new Error('EIO: i/o error')) })
    const reading = readAll(stdin, new AbortController().signal)
    await expect(reading).rejects.toMatchObject({
      code: 'FILE_FAILED',
      message: "Standard input can't be read: EIO: i/o error.",
    })
  })
})
