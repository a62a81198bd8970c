import { BuslineError } from '../messages/busline-error.ts'
import { SECRET_PLACEHOLDER } from '../messages/secret-fields.ts'
import { isRecord } from './is-record.ts'

/**
 * The same error without secrets, in message, data and causes: servers echo the key that they refuse. Replaced
 * whatever its length, unlike in the journal, because only these texts are in question.
 */
export function hideSecrets(error: BuslineError, secrets: readonly string[]): BuslineError {
  const hide = (text: string): string =>
    secrets.reduce((clean, secret) => clean.replaceAll(secret, SECRET_PLACEHOLDER), text)
  const message = hide(error.message)
  const data = hideIn(error.data, hide)
  const cause = causeWithout(error.cause, hide)
  const isClean =
    message === error.message && cause === error.cause && JSON.stringify(data) === JSON.stringify(error.data)
  if (isClean) return error
  return new BuslineError(error.code, message, {
    ...(isRecord(data) && { data }),
    ...(cause !== undefined && { cause }),
  })
}

function hideIn(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value)
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideIn(item, hide)]))
}

/** A cause that tells a secret is left out whole: its stack and fields would tell it too. */
function causeWithout(cause: unknown, hide: (text: string) => string): unknown {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const told = `${error.message}${error instanceof BuslineError ? JSON.stringify(error.data) : ''}`
    if (hide(told) !== told) return undefined
  }
  return cause
}
