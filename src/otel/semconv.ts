import type { Attributes, AttributeValue } from './finished-span.ts'

/** Versions of the GenAI conventions: the last one of the common repository, and what has become of it since. */
export const SEMCONV_VERSIONS = ['1.41', 'latest'] as const
export type SemconvVersion = (typeof SEMCONV_VERSIONS)[number]

/** What a span is about, in the words of the conventions. */
export type Operation = 'chat' | 'execute_tool' | 'invoke_agent'

interface Row {
  /** Which operations have it. */
  readonly on: readonly Operation[]
  /** Its name by version; null where that version has none. */
  readonly names: Readonly<Record<SemconvVersion, string | null>>
  /** What of our records it is, for readers. */
  readonly from: string
  /** Whether it holds what people and models said: exported only when asked for. */
  readonly content?: true
}

const ALL = ['chat', 'execute_tool', 'invoke_agent'] as const
const MODELS = ['chat', 'invoke_agent'] as const

/** A row whose name is the same in both versions. */
function same(name: string, on: readonly Operation[], from: string): Row {
  return { on, names: { '1.41': name, latest: name }, from }
}

function content(name: string, on: readonly Operation[], from: string): Row {
  return { ...same(name, on, from), content: true }
}

/**
 * The one place where the conventions' names stand; no record holds any. `1.41` is v1.41.1 of
 * github.com/open-telemetry/semantic-conventions (names checked against the npm package
 * `@opentelemetry/semantic-conventions` 1.41.1), the last release with the GenAI conventions in it. `latest` is the main branch
 * of github.com/open-telemetry/semantic-conventions-genai, where they went, with its migration guide, as read in November
 * 2026: `cache_creation` became `cache_write`, the provider left the spans of agents in one's own process, the level of
 * reasoning came. All of it has the status Development: it will move again, and then this table does.
 */
export const ATTRIBUTES = {
  operation: same('gen_ai.operation.name', ALL, '`chat`, `execute_tool` or `invoke_agent`'),
  provider: same(
    'gen_ai.provider.name',
    ['chat'],
    "the answer's `provider`; without an answer, the handler's name",
  ),
  agentProvider: {
    on: ['invoke_agent'],
    names: { '1.41': 'gen_ai.provider.name', latest: null },
    from: 'who answered last in the turn',
  },
  conversation: same('gen_ai.conversation.id', ALL, 'the session'),
  agent: same('gen_ai.agent.name', ['invoke_agent'], 'the option `agent`'),
  requestModel: same('gen_ai.request.model', MODELS, 'the model asked for'),
  temperature: same('gen_ai.request.temperature', ['chat'], '`temperature`'),
  topP: same('gen_ai.request.top_p', ['chat'], '`topP`'),
  maxTokens: same('gen_ai.request.max_tokens', ['chat'], '`maxTokens`'),
  seed: same('gen_ai.request.seed', ['chat'], '`seed`'),
  stop: same('gen_ai.request.stop_sequences', ['chat'], '`stop`'),
  presencePenalty: same('gen_ai.request.presence_penalty', ['chat'], '`presencePenalty`'),
  frequencyPenalty: same('gen_ai.request.frequency_penalty', ['chat'], '`frequencyPenalty`'),
  reasoningLevel: {
    on: ['chat'],
    names: { '1.41': null, latest: 'gen_ai.request.reasoning.level' },
    from: '`reasoningEffort`',
  },
  outputType: same('gen_ai.output.type', ['chat'], '`json` where a `schema` was asked for'),
  streamed: same('gen_ai.request.stream', ['chat'], 'true when a piece of the answer was heard'),
  timeToFirstChunk: same(
    'gen_ai.response.time_to_first_chunk',
    ['chat'],
    'seconds to the first text, reasoning or tool call that was heard',
  ),
  responseId: same('gen_ai.response.id', ['chat'], "the answer's `response.id`"),
  responseModel: same('gen_ai.response.model', MODELS, 'the model that answered'),
  finishReasons: same('gen_ai.response.finish_reasons', MODELS, '`finishReason`, as the server sent it'),
  inputTokens: same('gen_ai.usage.input_tokens', MODELS, '`usage.inputTokens`'),
  outputTokens: same('gen_ai.usage.output_tokens', MODELS, '`usage.outputTokens`'),
  cachedTokens: same('gen_ai.usage.cache_read.input_tokens', ['chat'], '`usage.cachedTokens`'),
  cacheWriteTokens: {
    on: ['chat'],
    names: {
      '1.41': 'gen_ai.usage.cache_creation.input_tokens',
      latest: 'gen_ai.usage.cache_write.input_tokens',
    },
    from: '`usage.cacheWriteTokens`',
  },
  reasoningTokens: same('gen_ai.usage.reasoning.output_tokens', ['chat'], '`usage.reasoningTokens`'),
  toolName: same('gen_ai.tool.name', ['execute_tool'], "the tool's name"),
  toolCall: same('gen_ai.tool.call.id', ['execute_tool'], "the id of the model's call"),
  toolType: same('gen_ai.tool.type', ['execute_tool'], '`function`'),
  errorType: same('error.type', ALL, "the error's code; `interrupted` when there is no end"),
  systemInstructions: content('gen_ai.system_instructions', ['chat'], "the session's system prompt"),
  inputMessages: content(
    'gen_ai.input.messages',
    MODELS,
    'the messages that were sent, as the session has them',
  ),
  outputMessages: content('gen_ai.output.messages', MODELS, 'the answer, reasoning included'),
  toolArguments: content('gen_ai.tool.call.arguments', ['execute_tool'], '`arguments`'),
  toolResult: content('gen_ai.tool.call.result', ['execute_tool'], 'the result'),
} as const satisfies Record<string, Row>

type Fact = keyof typeof ATTRIBUTES

/** What is known of an operation; undefined what is not. */
export type Facts = Partial<Record<Fact, AttributeValue | undefined>>

/** The facts of an operation under the names of a version; content only where it is asked for. */
export function attributesOf(
  operation: Operation,
  facts: Facts,
  options: { semconv: SemconvVersion; content: boolean },
): Attributes {
  const rows: Readonly<Record<string, Row>> = ATTRIBUTES
  const attributes: Attributes = {}
  for (const [fact, value] of Object.entries(facts)) {
    const row = rows[fact]
    const name = row?.names[options.semconv]
    if (!row || value === undefined || name === undefined || name === null) continue
    if (row.on.includes(operation) && (!row.content || options.content)) attributes[name] = value
  }
  return attributes
}
