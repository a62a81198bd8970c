import { isRecord, textIn } from './is-record.ts'

/** What a server said of its failure, as far as it did: `status` where a body tells one of its own. */
export interface ServerError {
  message?: string
  type?: string
  code?: string | number
  status?: number
}

/**
 * The error in a chunk, or in a body that came with a 200; undefined when it holds none. Some servers say
 * `{ error }`, some put it in the choice, some send the bare `{ object: 'error', message }`.
 */
export function errorInAnswer(answer: unknown): ServerError | undefined {
  const value: unknown = Array.isArray(answer) ? answer[0] : answer
  if (!isRecord(value)) return undefined
  const choices = value['choices']
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const inChoice = isRecord(choice) ? choice['error'] : undefined
  if (isTold(value['error']) || value['object'] === 'error') return readServerError(value)
  if (isTold(inChoice)) return readServerError({ error: inChoice })
  // Neither an answer nor anything else that we know, but it explains itself.
  if (choices === undefined && (isTold(value['detail']) || textIn(value['message'])))
    return readServerError(value)
  return undefined
}

/** Reads an error body: `{ error: { message, type, code } }`, `{ error: '…' }`, `{ message }`, `{ detail }` or a text. */
export function readServerError(body: unknown): ServerError {
  if (typeof body === 'string') return body.trim() === '' ? {} : { message: body }
  // Gemini wraps the error in a list.
  if (Array.isArray(body)) return readServerError(body[0])
  if (!isRecord(body)) return {}

  const error = isRecord(body['error']) ? body['error'] : body
  const message = messageIn(error) ?? textIn(body['error'])
  const type = textIn(error['type']) ?? textIn(body['error_type'])
  const code = typeof error['code'] === 'number' ? error['code'] : textIn(error['code'])
  const status = [error['status_code'], error['status'], code].map(statusIn).find((one) => one !== undefined)
  return {
    ...(message !== undefined && { message }),
    ...(type !== undefined && { type }),
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status }),
  }
}

function isTold(error: unknown): boolean {
  return isRecord(error) || Array.isArray(error) || textIn(error) !== undefined
}

function messageIn(error: Record<string, unknown>): string | undefined {
  return textIn(error['message']) ?? detailIn(error['detail']) ?? detailIn(error['message'])
}

/** FastAPI's `detail`: a text, or a list of `{ loc, msg }`; Mistral nests it in `message`. */
function detailIn(detail: unknown): string | undefined {
  if (isRecord(detail)) return messageIn(detail)
  if (!Array.isArray(detail)) return textIn(detail)
  const lines = detail.filter(isRecord).map((item) => {
    const place = Array.isArray(item['loc']) ? `${item['loc'].map(String).join('.')}: ` : ''
    return place + (textIn(item['msg']) ?? textIn(item['message']) ?? 'invalid')
  })
  return lines.length > 0 ? lines.join('; ') : undefined
}

function statusIn(value: unknown): number | undefined {
  const status = typeof value === 'string' ? Number(value) : value
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600
    ? status
    : undefined
}
