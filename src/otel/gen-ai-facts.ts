import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { fieldOf, listIn, numberIn, textIn } from './read-field.ts'
import type { Facts, Operation } from './semconv.ts'

/** Our names of providers where the conventions have one of their own; the others are the same or not in their list. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  xai: 'x_ai',
}

/** What the conventions call a command; undefined for those that they don't know. */
export function operationOf(type: string): Operation | undefined {
  if (type === MESSAGE_TYPES.callModel) return 'chat'
  if (type === MESSAGE_TYPES.callTool) return 'execute_tool'
  return type === MESSAGE_TYPES.runTurn || type === MESSAGE_TYPES.continueTurn ? 'invoke_agent' : undefined
}

/** What a command's input tells. Fields of another shape than expected are as if they were not there. */
export function factsOfInput(operation: Operation, { data, session }: JournalRecord): Facts {
  const facts: Facts = { operation, conversation: typeof session === 'string' ? session : undefined }
  if (operation === 'execute_tool')
    return { ...facts, toolName: textIn(data, 'name'), toolCall: textIn(data, 'call'), toolType: 'function' }
  const asked = { ...facts, requestModel: textIn(data, 'model') }
  return operation === 'chat' ? { ...asked, ...samplingOf(data) } : asked
}

function samplingOf(data: unknown): Facts {
  const stop = listIn(data, 'stop').filter((word) => typeof word === 'string')
  return {
    temperature: numberIn(data, 'temperature'),
    topP: numberIn(data, 'topP'),
    maxTokens: numberIn(data, 'maxTokens'),
    seed: numberIn(data, 'seed'),
    stop: stop.length > 0 ? stop : undefined,
    presencePenalty: numberIn(data, 'presencePenalty'),
    frequencyPenalty: numberIn(data, 'frequencyPenalty'),
    reasoningLevel: textIn(data, 'reasoningEffort'),
    outputType: fieldOf(data, 'schema') === undefined ? undefined : 'json',
  }
}

/** What a command's result tells. */
export function factsOfResult(operation: Operation, { output, by }: JournalRecord): Facts {
  if (operation === 'execute_tool') return {}
  const usage = fieldOf(output, 'usage')
  const reason = textIn(output, 'finishReason')
  const facts: Facts = {
    responseModel: textIn(output, 'model'),
    finishReasons: reason === undefined ? undefined : [reason],
    inputTokens: numberIn(usage, 'inputTokens'),
    outputTokens: numberIn(usage, 'outputTokens'),
  }
  if (operation === 'invoke_agent') return facts
  return {
    ...facts,
    provider: providerOf(output, by),
    responseId: textIn(fieldOf(output, 'response'), 'id'),
    cachedTokens: numberIn(usage, 'cachedTokens'),
    cacheWriteTokens: numberIn(usage, 'cacheWriteTokens'),
    reasoningTokens: numberIn(usage, 'reasoningTokens'),
  }
}

function providerOf(output: unknown, by: unknown): string | undefined {
  const name = textIn(output, 'provider') ?? (typeof by === 'string' ? by : undefined)
  if (name === undefined) return undefined
  return Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : name
}
