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

/** How deep an error may be wrapped; none that says something is. */
const DEEPEST = 8

/** Reads an error body: `{ error: { message, type, code } }`, `{ error: '…' }`, `{ message }`, `{ detail }` or a text. */
export function readServerError(given: unknown): ServerError {
  let body = given
  // Gemini wraps the error in a list.
  for (let depth = 0; Array.isArray(body) && depth < DEEPEST; depth++) body = body[0]
  if (typeof body === 'string') return body.trim() === '' ? {} : { message: body }
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

/** An error with nothing in it is none: some servers send the field with every chunk. */
function isTold(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return textIn(error) !== undefined
  return Object.values(error).some((value) => value !== null && value !== undefined && value !== '')
}

function messageIn(error: Record<string, unknown>, depth = 0): string | undefined {
  if (depth > DEEPEST) return undefined
  return textIn(error['message']) ?? detailIn(error['detail'], depth) ?? detailIn(error['message'], depth)
}

/** FastAPI's `detail`: a text, or a list of `{ loc, msg }`; Mistral nests it in `message`. */
function detailIn(detail: unknown, depth: number): string | undefined {
  if (isRecord(detail)) return messageIn(detail, depth + 1)
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
