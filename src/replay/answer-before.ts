import type { JournalRecord } from '../bus/journal.ts'
import { CallModel, ModelAnswer, ModelAnswerSuperseded } from '../messages/model.ts'
import { AttemptFailed } from '../messages/policies.ts'
import { UsageNotCounted } from '../messages/usage.ts'
import { rebuiltError } from './rebuilt-error.ts'
import type { Expected } from './recorded-run.ts'

/** Events that a middleware tells after the handler has answered. */
const TOLD_AROUND = new Set([AttemptFailed.type, ModelAnswerSuperseded.type, UsageNotCounted.type])

/** Whether a middleware of an effect writes this line once the handler has answered, so that the answer comes before it. */
export function isToldAround(effect: string, { kind, type }: JournalRecord): boolean {
  return TOLD_AROUND.has(type) || (kind === 'command' && effect === CallModel.type)
}

/** What the handler answered before a middleware made something else of it, as far as the journal tells. */
export function answerBefore({ type, data }: JournalRecord, result: Expected | undefined): unknown {
  if (type === AttemptFailed.type) throw rebuiltError(AttemptFailed.data.parse(data).error)
  if (type === UsageNotCounted.type) {
    if (result?.record.status === 'ok') return result.record.output
    throw rebuiltError(result?.record.error)
  }
  // Nested model calls mend an answer: the one before had this text, and the usage that the whole call tells of.
  const text = type === ModelAnswerSuperseded.type ? ModelAnswerSuperseded.data.parse(data).text : ''
  const answer = ModelAnswer.safeParse(result?.record.output)
  const message = { role: 'assistant', content: text }
  if (answer.success)
    return { ...answer.data, message: { ...answer.data.message, content: text }, output: undefined }
  return { message, finishReason: 'stop', usage: null, model: null }
}
