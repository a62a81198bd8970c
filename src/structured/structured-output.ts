import * as z from 'zod'
import type { Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { failureOf } from '../messages/failure.ts'
import {
  CallModel,
  ModelAnswer,
  ModelAnswerSuperseded,
  ModelRequest,
  OutputSchema,
} from '../messages/model.ts'
import type { Schema } from '../messages/schema.ts'
import { outputInvalid } from './output-invalid.ts'
import { readOutput, validatorOf, type OutputIssue } from './read-output.ts'
import { repairRequest } from './repair-request.ts'

const WithSchema = z.looseObject({ schema: OutputSchema.optional() })

/** Why an answer ended that did not come to its own end. */
const CUT = new Set(['length', 'max_tokens'])
const REFUSED = new Set(['content_filter', 'refusal'])

/**
 * Makes a value of the answer in words to a request that has a `schema`: takes it out of code fences and of the words around
 * it, parses it strictly, checks it, sets `answer.output`, with the schema's defaults, and leaves the JSON alone as the
 * message's text. An answer with tool calls passes as it is.
 *
 * One that does not fit is mended once: the model is shown its answer and what is wrong, in a `model.call` below this one.
 * The answer then is the mended one, its usage and cost what this call itself took; the other has its own. Text that was
 * heard of the first is taken back by `model.answerSuperseded`. Still wrong, cut, or refused: `OUTPUT_INVALID` with
 * `data.preview` (500 characters), `data.issues`, `data.text` and this call's own `data.usage`. Where the mending failed or was
 * cancelled, `data.text` is what was heard of the mended answer: the other was taken back.
 *
 * Calls reject with `INVALID_OPTION`, before anything is sent, for a schema that can't be read.
 */
export function structuredOutput(): Participant {
  return function structuredOutput(bus) {
    /** The calls that are being mended: what they ask for is not mended again. */
    const mending = new Set<string>()

    bus.use(
      async function structuredOutput(message, next, scope) {
        const wanted = WithSchema.safeParse(message.data)
        const schema = wanted.success ? wanted.data.schema : undefined
        if (!schema) return next()

        const validator = validatorOf(schema)
        const outcome = await next()
        const parsed = ModelAnswer.safeParse(outcome)
        // Not an answer: the bus says so. One with calls comes before the answer in words.
        if (!parsed.success || (parsed.data.message.tool_calls ?? []).length > 0) return outcome
        const answer = parsed.data
        const first = settleAnswer(answer, validator)
        if (first.ok) return first.answer

        const isRepair = scope.cause !== undefined && mending.has(scope.cause)
        if (isRepair || first.final) throw outputInvalid({ schema, answer, ...first })
        const text = textOf(answer.message)
        if (text !== '') scope.publish(ModelAnswerSuperseded, { call: message.id, text })
        mending.add(message.id)
        try {
          const request = ModelRequest.parse(message.data)
          return await mend({ request, schema, answer, issues: first.issues, scope })
        } finally {
          mending.delete(message.id)
        }
      },
      { for: [CallModel] },
    )
  }
}

type Settled =
  { ok: true; answer: ModelAnswer } | { ok: false; issues: OutputIssue[]; final: boolean; reason: string }

/** The answer with its output, or why it has none; `final` where asking again would not help. */
function settleAnswer(answer: ModelAnswer, validator: Schema): Settled {
  const { message, finishReason } = answer
  const reason = endedBy(message, finishReason)
  if (reason !== undefined) return { ok: false, final: true, reason, issues: [{ path: '', message: reason }] }
  const reading = readOutput(textOf(message), validator)
  if (!reading.ok)
    return { ok: false, final: false, reason: 'it does not fit the schema', issues: reading.issues }
  const { output, json } = reading
  return { ok: true, answer: { ...answer, message: { ...message, content: json }, output } }
}

function endedBy(message: ConversationMessage, finishReason: string | null): string | undefined {
  if (finishReason !== null && CUT.has(finishReason))
    return 'it was cut by the token limit: allow more with maxTokens'
  const refusal = message['refusal']
  if (typeof refusal === 'string' && refusal !== '') return `the model refused: ${refusal}`
  if (finishReason !== null && REFUSED.has(finishReason)) return 'the model or its provider refused to answer'
  return undefined
}

async function mend(broken: {
  request: ModelRequest
  schema: OutputSchema
  answer: ModelAnswer
  issues: OutputIssue[]
  scope: Scope
}): Promise<ModelAnswer> {
  const { request, schema, answer, issues, scope } = broken
  const reason = 'it does not fit the schema'
  try {
    const mended = await scope.execute(CallModel, repairRequest(request, answer.message, issues))
    const { message, finishReason, output } = mended
    if (output !== undefined) return { ...answer, message, finishReason, output }
    const called = [{ path: '', message: 'asked to mend it, the model called a tool' }]
    throw outputInvalid({ schema, answer, issues: [...issues, ...called], reason, text: textOf(message) })
  } catch (error) {
    if (scope.signal.aborted) throw asCancelled(error, scope.signal)
    if (!(error instanceof BuslineError)) throw error
    const told = Told.safeParse(error.data)
    if (error.code === 'OUTPUT_INVALID' && told.success)
      throw outputInvalid({
        schema,
        answer,
        ...told.data,
        reason: 'it did not fit the schema, mended neither',
      })
    const { code, message } = failureOf(error)
    throw outputInvalid({
      schema,
      answer,
      issues,
      reason: `${reason}, and mending it failed (${code}: ${message})`,
      text: textIn(error),
      cause: error,
    })
  }
}

/** The error of a repair that was cancelled, which has what was heard of it; else the reason itself. */
function asCancelled(error: unknown, { reason }: AbortSignal): unknown {
  const isTheCancel =
    error instanceof BuslineError && reason instanceof BuslineError && error.code === reason.code
  return isTheCancel ? error : reason
}

/** What was heard of an answer that broke off. */
function textIn({ data }: BuslineError): string {
  return typeof data['text'] === 'string' ? data['text'] : ''
}

/** What the error of a repair tells of the answer that it was about. */
const Told = z.object({
  text: z.string(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })),
})
