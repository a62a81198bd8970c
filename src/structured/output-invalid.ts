import { BuslineError } from '../messages/busline-error.ts'
import { textOf } from '../messages/conversation.ts'
import type { ModelAnswer, OutputSchema } from '../messages/model.ts'
import type { OutputIssue } from './read-output.ts'

/** How much of an answer is shown in `data.preview`, in characters. */
const PREVIEW = 500

/**
 * The error of an answer that came to no output: `data` has a `preview` of what was said last, the `issues`, the whole `text`,
 * and the finish reason and usage of the call that it ends.
 */
export function outputInvalid(broken: {
  schema: OutputSchema
  answer: ModelAnswer
  issues: readonly OutputIssue[]
  reason: string
  /** What was said last, where it is not the answer's own text. */
  text?: string
  cause?: unknown
}): BuslineError {
  const { schema, answer, issues, reason, text = textOf(answer.message) } = broken
  const list = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return new BuslineError(
    'OUTPUT_INVALID',
    `The answer is no ${schema.name}: ${reason}${list === reason ? '' : ` (${list})`}.`,
    {
      data: {
        preview: (text || textOf(answer.message)).slice(0, PREVIEW),
        issues: [...issues],
        text,
        finishReason: answer.finishReason,
        ...(answer.model !== null && { model: answer.model }),
        ...(answer.usage && { usage: answer.usage }),
      },
      ...('cause' in broken && { cause: broken.cause }),
    },
  )
}
