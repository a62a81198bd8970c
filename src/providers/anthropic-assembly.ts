import type { ConversationMessage, TokenUsage } from '../messages/conversation.ts'
import type { ModelAnswer } from '../messages/model.ts'
import { callOf, detailsOf, type OpenBlock } from './anthropic-blocks.ts'
import type { AnswerListener } from './assemble-answer.ts'
import { anthropicUsage } from './anthropic-usage.ts'
import { isRecord, textIn } from './is-record.ts'

/** Why Anthropic's models stop, in the words of the OpenAI protocol; others stay as they are. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'content_filter'],
])

/**
 * Puts an answer together from the events of a stream, or from one plain body. What it does not know (events, blocks,
 * fields) it passes over.
 *
 * A message with thinking keeps in `reasoning_details` what the API wants back unchanged: `thinking` and
 * `redacted_thinking` blocks, those of the server's own tools, and, as `{ type: 'text', length }` and
 * `{ type: 'tool_use' }`, where text and calls stood between them.
 *
 * `pause_turn` (the server's own tools ran for long) stays as it is: the answer is not complete, and the engine, which
 * offers no such tools, ends its turn with it.
 */
export class AnthropicAssembly {
  #listener: AnswerListener
  #nameOf: (sent: string) => string
  #blocks: OpenBlock[] = []
  #byIndex = new Map<number, OpenBlock>()
  #frame: Record<string, unknown> = {}
  #usage: Record<string, unknown> = {}
  #stopReason: string | undefined
  #refusal = ''

  /** @param nameOf the tool that a name on the wire stands for */
  constructor(listener: AnswerListener, nameOf: (sent: string) => string) {
    this.#listener = listener
    this.#nameOf = nameOf
  }

  /** Whether the server told why it stopped: without `message_stop`, the only sign that nothing was cut off. */
  get isFinished(): boolean {
    return this.#stopReason !== undefined
  }

  /** Whether anything of a message came. */
  get hasBegun(): boolean {
    return this.#blocks.length > 0 || textIn(this.#frame['type']) !== undefined
  }

  /** The text so far. */
  get text(): string {
    return this.#blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
  }

  /** The usage told so far. */
  get usage(): TokenUsage | null {
    return anthropicUsage(this.#usage)
  }

  /** Adds the data of one event; its `type` says which. */
  add(event: Record<string, unknown>): void {
    const { type, index } = event
    const place = typeof index === 'number' ? index : this.#blocks.length
    if (type === 'message_start') this.#begin(event['message'], (block, at) => this.#open(block, at))
    else if (type === 'content_block_start') this.#open(event['content_block'], place)
    else if (type === 'content_block_delta') this.#addDelta(event['delta'], place)
    else if (type === 'message_delta') {
      this.#addFrame(event['delta'])
      this.#addUsage(event['usage'])
    }
  }

  /** Adds a plain body, which holds the whole message. */
  addBody(message: Record<string, unknown>): void {
    // A call in a body has not "begun": it is there, whole.
    this.#begin(message, (block, at) => this.#open(block, at, false))
  }

  /** The answer so far, calls with the names that they were offered under. */
  answer(): ModelAnswer {
    const text = this.text
    const calls = this.#blocks
      .filter(({ type }) => type === 'tool_use')
      .map((block) => callOf(block, this.#nameOf))
    const details = detailsOf(this.#blocks)
    const message: ConversationMessage = {
      role: 'assistant',
      content: text || null,
      ...(details.length > 0 && { reasoning_details: details }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(this.#refusal !== '' && { refusal: this.#refusal }),
    }
    const { id } = this.#frame
    const { service_tier: tier } = this.#usage
    const usage = this.usage
    return {
      message,
      finishReason:
        this.#stopReason === undefined ? null : (FINISH_REASONS.get(this.#stopReason) ?? this.#stopReason),
      usage,
      model: textIn(this.#frame['model']) ?? null,
      ...(usage && { rawUsage: this.#usage }),
      provider: 'anthropic',
      response: {
        ...(typeof id === 'string' && { id }),
        ...(typeof tier === 'string' && { serviceTier: tier }),
      },
    }
  }

  #begin(message: unknown, open: (block: unknown, index: number) => void): void {
    if (!isRecord(message)) return
    this.#frame = message
    this.#addFrame(message)
    this.#addUsage(message['usage'])
    if (Array.isArray(message['content'])) message['content'].forEach(open)
  }

  #addFrame(frame: unknown): void {
    if (!isRecord(frame)) return
    this.#stopReason = textIn(frame['stop_reason']) ?? this.#stopReason
    const details = frame['stop_details']
    if (isRecord(details)) this.#refusal = textIn(details['explanation']) ?? this.#refusal
  }

  /** Counts are running totals, never to be summed; a count that a later event leaves out stays. */
  #addUsage(usage: unknown): void {
    if (!isRecord(usage)) return
    for (const [name, value] of Object.entries(usage)) {
      if (value !== null && value !== undefined) this.#usage[name] = value
    }
  }

  #open(value: unknown, index: number, isStream = true): OpenBlock {
    const began = isRecord(value) ? value : {}
    const type = textIn(began['type']) ?? 'text'
    const block: OpenBlock = { type, began, text: '', signature: textIn(began['signature']) ?? '', json: '' }
    this.#blocks.push(block)
    this.#byIndex.set(index, block)
    if (type === 'tool_use' && isStream) {
      this.#listener.toolCall(textIn(began['id']) ?? '', this.#nameOf(textIn(began['name']) ?? ''))
    }
    this.#addText(block, began['text'] ?? began['thinking'])
    return block
  }

  #addDelta(delta: unknown, index: number): void {
    if (!isRecord(delta)) return
    const { type } = delta
    const implied = type === 'thinking_delta' || type === 'signature_delta' ? 'thinking' : 'text'
    const block = this.#byIndex.get(index) ?? this.#open({ type: implied }, index)
    if (type === 'text_delta') this.#addText(block, delta['text'])
    else if (type === 'thinking_delta') this.#addText(block, delta['thinking'])
    else if (type === 'signature_delta') block.signature += textIn(delta['signature']) ?? ''
    else if (type === 'input_json_delta') block.json += textIn(delta['partial_json']) ?? ''
  }

  #addText(block: OpenBlock, value: unknown): void {
    const text = textIn(value)
    if (text === undefined) return
    block.text += text
    if (block.type === 'text') this.#listener.text(text)
    else if (block.type === 'thinking') this.#listener.reasoning(text)
  }
}
