import type { ConversationMessage } from '../messages/conversation.ts'
import type { ModelAnswer } from '../messages/model.ts'
import { ReasoningAssembly } from './assemble-reasoning.ts'
import { ToolCallAssembly } from './assemble-tool-calls.ts'
import { isRecord, textIn } from './is-record.ts'
import { readUsage } from './read-usage.ts'

/** Hears what arrives, as it arrives. */
export interface AnswerListener {
  text(text: string): void
  reasoning(text: string): void
  toolCall(call: string, name: string): void
}

/**
 * Puts an answer together from the chunks of a stream, or from one plain body. A chunk of an odd shape is read
 * field by field; what is no use is passed over. Of several choices, that of index 0 counts.
 */
export class AnswerAssembly {
  #listener: AnswerListener
  #text = ''
  #refusal = ''
  #reasoning = new ReasoningAssembly()
  #toolCalls = new ToolCallAssembly()
  #finishReason: string | null = null
  #usage: unknown = null
  #model: string | null = null
  #hasChoice = false

  constructor(listener: AnswerListener) {
    this.#listener = listener
  }

  /** Whether the server told why it finished: without `[DONE]`, the only sign that nothing was cut off. */
  get isFinished(): boolean {
    return this.#finishReason !== null
  }

  /** Whether any chunk had a choice to read. */
  get hasChoice(): boolean {
    return this.#hasChoice
  }

  /** Adds a chunk of a stream. A `message` beside `delta` repeats the whole; alone it is a body inside of a stream. */
  add(chunk: unknown): void {
    const choice = this.#addFrame(chunk)
    if (!choice) return
    const delta = choice['delta'] ?? (this.#hasChoice ? undefined : choice['message'])
    this.#hasChoice = true
    if (isRecord(delta)) this.#addDelta(delta)
  }

  /** Adds a plain body. Perplexity puts an empty `delta` beside its `message`. */
  addBody(body: unknown): void {
    const choice = this.#addFrame(body)
    if (!choice) return
    this.#hasChoice = true
    const message = choice['message'] ?? choice['delta']
    if (isRecord(message)) this.#addDelta(message)
  }

  /** The answer so far; its message has no id yet, and a tool call that came without one has an empty id. */
  answer(): ModelAnswer {
    const calls = this.#toolCalls.calls()
    const message: ConversationMessage = {
      role: 'assistant',
      content: this.#text || null,
      ...this.#reasoning.fields(),
    }
    if (calls.length > 0) message.tool_calls = calls
    if (this.#refusal) message['refusal'] = this.#refusal
    return { message, finishReason: this.#finishReason, usage: readUsage(this.#usage), model: this.#model }
  }

  /** Reads what stands around the text, and returns the choice that counts. */
  #addFrame(chunk: unknown): Record<string, unknown> | undefined {
    if (!isRecord(chunk)) return undefined
    this.#model = textIn(chunk['model']) ?? this.#model
    const choice = firstChoice(chunk['choices'])
    // Last one wins: a running usage comes with every chunk. Moonshot tells it in the choice.
    const groq = chunk['x_groq']
    this.#usage =
      chunk['usage'] ?? (isRecord(groq) ? groq['usage'] : undefined) ?? choice?.['usage'] ?? this.#usage
    this.#finishReason = textIn(choice?.['finish_reason']) ?? this.#finishReason
    return choice
  }

  #addDelta(delta: Record<string, unknown>): void {
    const reasoning = this.#reasoning.add(delta)
    if (reasoning) this.#listener.reasoning(reasoning)

    const content = delta['content']
    const text = Array.isArray(content) ? content.map(textOfPart).join('') : (textIn(content) ?? '')
    if (text) {
      this.#text += text
      this.#listener.text(text)
    }
    this.#refusal += textIn(delta['refusal']) ?? ''
    this.#toolCalls.add(delta, (call, name) => this.#listener.toolCall(call, name))
  }
}

function firstChoice(choices: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(choices)) return undefined
  return choices
    .filter(isRecord)
    .find((choice, position) => (typeof choice['index'] === 'number' ? choice['index'] : position) === 0)
}

function textOfPart(part: unknown): string {
  return isRecord(part) && part['type'] === 'text' ? (textIn(part['text']) ?? '') : ''
}
