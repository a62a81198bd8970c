import type { ConversationMessage, TokenUsage } from '../messages/conversation.ts'
import type { ModelAnswer, ServerResponse } from '../messages/model.ts'
import { ReasoningAssembly } from './assemble-reasoning.ts'
import { ToolCallAssembly } from './assemble-tool-calls.ts'
import { isRecord, textIn } from './is-record.ts'
import { readUsage } from './read-usage.ts'
import { noteResponse } from './server-response.ts'
import { splitUnopened, ThinkTags, type SplitText } from './split-think-tags.ts'

/** Hears what arrives, as it arrives. */
export interface AnswerListener {
  text(text: string): void
  reasoning(text: string): void
  toolCall(call: string, name: string): void
}

export interface AssemblyOptions {
  /**
   * Whether `<think>…</think>` at the beginning of the text is reasoning (default false: text stays as it came). It then
   * comes as `reasoning_content`.
   */
  thinkTags?: boolean | undefined
}

/**
 * Puts an answer together from the chunks of a stream, or from one plain body. A chunk of an odd shape is read
 * field by field; what is no use is passed over. Of several choices, that of index 0 counts.
 */
export class AnswerAssembly {
  #listener: AnswerListener
  #thinkTags: ThinkTags | undefined
  #text = ''
  #refusal = ''
  #reasoning = new ReasoningAssembly()
  #toolCalls = new ToolCallAssembly()
  #finishReason: string | null = null
  #isFinished = false
  #usage: Record<string, unknown> | null = null
  #model: string | null = null
  #response: ServerResponse = {}
  #hasChoice = false

  constructor(listener: AnswerListener, options: AssemblyOptions = {}) {
    this.#listener = listener
    this.#thinkTags = options.thinkTags === true ? new ThinkTags() : undefined
  }

  /**
   * Whether the server told why it finished, and said nothing more after that: without `[DONE]`, the only sign that
   * nothing was cut off.
   */
  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Whether any chunk had a choice to read. */
  get hasChoice(): boolean {
    return this.#hasChoice
  }

  /** The usage as far as it was told. */
  get usage(): TokenUsage | null {
    return readUsage(this.#usage)
  }

  /**
   * Adds a chunk of a stream, and returns whether it said anything. A `message` beside `delta` repeats the whole; alone
   * it is a body inside of a stream.
   */
  add(chunk: unknown): boolean {
    const choice = this.addFrame(chunk)
    if (!choice) return false
    const delta = choice['delta'] ?? undefined
    const message = delta === undefined && !this.#hasChoice ? choice['message'] : undefined
    this.#hasChoice = true
    const said = isRecord(delta)
      ? this.#addDelta(delta, false)
      : isRecord(message) && this.#addDelta(message, true)
    if (textIn(choice['finish_reason']) !== undefined) this.#isFinished = true
    else if (said) this.#isFinished = false
    return said
  }

  /** Adds a plain body. Perplexity puts an empty `delta` beside its `message`. */
  addBody(body: unknown): void {
    const choice = this.addFrame(body)
    if (!choice) return
    this.#hasChoice = true
    const message = choice['message'] ?? choice['delta']
    if (isRecord(message)) this.#addDelta(message, true)
  }

  /** Reads only what stands around the text of a chunk (usage, model, ids), and returns the choice that counts. */
  addFrame(chunk: unknown): Record<string, unknown> | undefined {
    if (!isRecord(chunk)) return undefined
    const choice = firstChoice(chunk['choices'])
    const finish = choice?.['finish_reason']
    if (typeof finish === 'string' && finish !== '') this.#finishReason = finish
    const model = chunk['model']
    if (typeof model === 'string' && model !== '') this.#model = model
    this.#addUsage(chunk, choice)
    noteResponse(this.#response, chunk)
    return choice
  }

  /** Lets out the text that was held back because it could have become a tag. */
  flush(): void {
    if (this.#thinkTags) this.#hear(this.#thinkTags.end())
  }

  /** The answer so far; its message has no id yet, and a tool call that came without one has an empty id. */
  answer(): ModelAnswer {
    this.flush()
    if (this.#thinkTags) this.#moveUnopened()
    const calls = this.#toolCalls.calls()
    const message: ConversationMessage = {
      role: 'assistant',
      content: this.#text || null,
      ...this.#reasoning.fields(),
    }
    if (calls.length > 0) message.tool_calls = calls
    if (this.#refusal) message['refusal'] = this.#refusal
    const answer: ModelAnswer = {
      message,
      finishReason: this.#finishReason,
      usage: this.usage,
      model: this.#model,
    }
    if (this.#usage) answer.rawUsage = this.#usage
    if (Object.keys(this.#response).length > 0) answer.response = this.#response
    return answer
  }

  /** The last usage wins, as a running one comes with every chunk; one without a count does not replace one that has. */
  #addUsage(chunk: Record<string, unknown>, choice: Record<string, unknown> | undefined): void {
    // Moonshot tells it in the choice.
    const groq = chunk['x_groq']
    const usage = chunk['usage'] ?? (isRecord(groq) ? groq['usage'] : undefined) ?? choice?.['usage']
    if (isRecord(usage) && (!this.#usage || readUsage(usage))) this.#usage = usage
  }

  #addDelta(delta: Record<string, unknown>, isWhole: boolean): boolean {
    const reasoning = this.#reasoning.add(delta)
    if (reasoning) this.#listener.reasoning(reasoning)

    const content = delta['content']
    const text = Array.isArray(content) ? content.map(textOfPart).join('') : (textIn(content) ?? '')
    if (text) this.#addText(text)
    const refusal = textIn(delta['refusal']) ?? ''
    this.#refusal += refusal

    const { tool_calls: calls, function_call: legacy } = delta
    const hasCalls = (calls ?? legacy ?? undefined) !== undefined && this.#addCalls(delta, isWhole)
    return hasCalls || text !== '' || refusal !== '' || reasoning !== ''
  }

  #addCalls(delta: Record<string, unknown>, isWhole: boolean): boolean {
    const onNamed = (call: string, name: string): void => this.#listener.toolCall(call, name)
    return isWhole ? this.#toolCalls.addWhole(delta, onNamed) : this.#toolCalls.add(delta, onNamed)
  }

  #addText(text: string): void {
    if (this.#thinkTags) return this.#hear(this.#thinkTags.push(text))
    this.#text += text
    this.#listener.text(text)
  }

  #hear({ reasoning, text }: SplitText): void {
    if (reasoning) {
      this.#reasoning.addThought(reasoning)
      this.#listener.reasoning(reasoning)
    }
    if (!text) return
    this.#text += text
    this.#listener.text(text)
  }

  #moveUnopened(): void {
    const { reasoning, text } = splitUnopened(this.#text)
    this.#reasoning.addThought(reasoning)
    this.#text = text
  }
}

function firstChoice(choices: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(choices)) return undefined
  const only: unknown = choices.length === 1 ? choices[0] : undefined
  if (isRecord(only)) return typeof only['index'] === 'number' && only['index'] !== 0 ? undefined : only
  return choices
    .filter(isRecord)
    .find((choice, position) => (typeof choice['index'] === 'number' ? choice['index'] : position) === 0)
}

function textOfPart(part: unknown): string {
  return isRecord(part) && part['type'] === 'text' ? (textIn(part['text']) ?? '') : ''
}
