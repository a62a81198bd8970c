import type { ChatCall } from './chat-history.ts'
import type { ChatAnswer } from './chat-loop.ts'

/** One chunk of a stream, as far as it is read. */
export interface ChatChunk {
  choices: {
    delta?: {
      content?: string | null
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[]
    }
  }[]
}

/** An answer put together from its chunks. */
export class ChunkedAnswer {
  #content = ''
  #calls: ChatCall[] = []

  add(chunk: ChatChunk): void {
    const delta = chunk.choices[0]?.delta
    this.#content += delta?.content ?? ''
    for (const { index, id = '', function: part } of delta?.tool_calls ?? []) {
      const call = (this.#calls[index] ??= { id, type: 'function', function: { name: '', arguments: '' } })
      call.function.name ||= part?.name ?? ''
      call.function.arguments += part?.arguments ?? ''
    }
  }

  whole(): ChatAnswer {
    return { content: this.#content, ...(this.#calls.length > 0 && { tool_calls: this.#calls }) }
  }
}

/** Reads an answer from the events of a stream, the short way: every event is one line of data. */
export async function readEvents(body: AsyncIterable<Uint8Array>): Promise<ChatAnswer> {
  const answer = new ChunkedAnswer()
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const chunk: ChatChunk = JSON.parse(line.slice('data: '.length))
      answer.add(chunk)
    }
  }
  return answer.whole()
}

/** Reads an answer from a whole body. */
export function readBody(text: string): ChatAnswer {
  const body: { choices: { message: ChatAnswer }[] } = JSON.parse(text)
  const [choice] = body.choices
  if (!choice) throw new Error('no answer')
  return choice.message
}
