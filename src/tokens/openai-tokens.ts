import { BuslineError } from '../messages/busline-error.ts'
import { imagesOf } from '../messages/content-part.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import type { ToolDescription } from '../messages/tool.ts'
import { encoding, encodingOf, type TextCounter } from './encoding.ts'
import { imageTokens } from './image-tokens.ts'
import { toolDefinitions } from './tool-definitions.ts'

/** The two counters of a context manager. */
export interface TokenCounters {
  /** Tokens of one message, its framing included; what a call's result costs for its name is counted with the call. */
  countTokens: (message: ConversationMessage) => number
  /** Tokens of what else is sent: tools and the framing of the request. `hasSystem`: whether it begins with a system message. */
  countTools: (tools: readonly ToolDescription[], request?: { hasSystem: boolean }) => number
}

/** `<|im_start|>`, the separator behind the role, `<|im_end|>`: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken_for_chat_completions */
const PER_MESSAGE = 3
/** The role is one token, whichever it is. */
const ROLE = 1
const NAME = 1
/** What begins the answer; models of the gpt-5 line need one less (measured on `corpus/open`). */
const ANSWER = 3
const ANSWER_OF_GPT_5 = 2

/**
 * What tools take beside their definitions: they stand in a system message, a new one or the one that there is. For cl100k_base
 * by https://hmarr.com/blog/counting-openai-tokens/, for o200k_base measured on `corpus/open`.
 */
const TOOLS_FRAME = {
  cl100k_base: { alone: 9, withSystem: 6 },
  o200k_base: { alone: 8, withSystem: 5 },
}

/**
 * Counts tokens as OpenAI's chat completions do: `contextManager({ maxTokens, ...openaiTokens('gpt-4o') })`. On the
 * exchanges of `corpus/open` within 1 token where text, tools and tool calls are sent; most are exact
 * (`src/tokens/README.md` has the figures). Not counted: a schema of `response_format`. The encoding is loaded by this call.
 *
 * @param model default `gpt-4o`; an unknown name counts as a current model
 * @throws BuslineError `INVALID_OPTION` when `gpt-tokenizer` is not installed, or the model is no name
 */
export function openaiTokens(model = 'gpt-4o'): TokenCounters {
  if (typeof model !== 'string' || model.trim() === '') {
    throw new BuslineError('INVALID_OPTION', 'openaiTokens(model) takes the name of a model, e.g. gpt-4o.', {
      data: { option: 'model' },
    })
  }
  const name = encodingOf(model)
  const count = encoding(name)
  const answer = /(?:^|\/)gpt-5/.test(model) ? ANSWER_OF_GPT_5 : ANSWER

  return {
    countTokens: (message) => countMessage(message, model, count),
    countTools: (tools, { hasSystem } = { hasSystem: false }) => {
      if (tools.length === 0) return answer
      const { alone, withSystem } = TOOLS_FRAME[name]
      return answer + (hasSystem ? withSystem : alone) + count(toolDefinitions(tools))
    },
  }
}

function countMessage(message: ConversationMessage, model: string, count: TextCounter): number {
  const calls = message.tool_calls ?? []
  let tokens = PER_MESSAGE + ROLE + count(textOf(message))
  if (typeof message['name'] === 'string' && message.role !== 'tool') tokens += NAME + count(message['name'])
  for (const { function: called } of calls) {
    // The call is addressed to the function, and its result comes from it: in place of the role `tool`.
    tokens += count(` to=functions.${called.name}`) + count(called.arguments)
    tokens += count(`functions.${called.name}`)
  }
  for (const image of imagesOf(message)) tokens += imageTokens(model, image)
  return tokens
}
