import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import type { ModelRequest } from '../messages/model.ts'
import type { OutputIssue } from './read-output.ts'

/**
 * The request that has a model mend its answer: the same, with what it said and what is wrong with that. The tools stay,
 * because servers refuse a history of calls without them, but none may be called.
 */
export function repairRequest(
  request: ModelRequest,
  said: ConversationMessage,
  issues: readonly OutputIssue[],
): ModelRequest {
  const text = textOf(said)
  const messages: ConversationMessage[] = [
    ...request.messages,
    // Servers refuse an empty message.
    ...(text === '' ? [] : [{ role: 'assistant' as const, content: text }]),
    { role: 'user', content: complaint(issues) },
  ]
  return { ...request, messages, ...(request.tools.length > 0 && { toolChoice: 'none' as const }) }
}

function complaint(issues: readonly OutputIssue[]): string {
  const list = issues.map(({ path, message }) => `- ${path === '' ? 'the whole' : path}: ${message}`)
  return [
    'Your last answer does not fit the JSON Schema that it has to fit:',
    ...list,
    'Answer again with the corrected JSON value alone: no words around it, no code fence.',
  ].join('\n')
}
