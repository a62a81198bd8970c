import { BuslineError } from '../messages/busline-error.ts'
import { SECRET_PLACEHOLDER } from '../messages/secret-fields.ts'
import { isRecord } from './is-record.ts'

/** Takes secrets out of a text. */
export type Hide = (text: string) => string

/** Of a secret that a text ends in the middle of, what is left in sight at most. */
const SHOWN = 3

/**
 * What takes these secrets out of a server's text, to be used before it is cut. Replaced whatever their length, unlike in
 * the journal, because only these texts are in question. A text may have been cut on its way too, so the beginning of a
 * secret at its end is taken out as well, from four characters.
 */
export function secretHider(secrets: readonly string[]): Hide {
  // The longest first: one may be a part of another.
  const known = [...new Set(secrets)]
    .filter((secret) => secret !== '')
    .sort((one, other) => other.length - one.length)
  return (text) => {
    const clean = known.reduce((left, secret) => left.replaceAll(secret, SECRET_PLACEHOLDER), text)
    return known.reduce(withoutBeginning, clean)
  }
}

function withoutBeginning(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length > SHOWN; length--) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + SECRET_PLACEHOLDER
  }
  return text
}

/**
 * The values in a URL's query that may be secrets, as they are and as they stand in it: those of eight characters and more,
 * but for the API's version.
 */
export function querySecrets(url: URL): string[] {
  const values = [...url.searchParams]
    .filter(([name, value]) => name !== 'api-version' && value.length >= 8)
    .flatMap(([, value]) => [value, encodeURIComponent(value)])
  return [...new Set(values)]
}

/** The same error without secrets, in message, data and causes: servers echo the key that they refuse. */
export function hideSecrets(error: BuslineError, secrets: readonly string[]): BuslineError {
  if (secrets.length === 0) return error
  const hide: Hide = (text) =>
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

function hideIn(value: unknown, hide: Hide): unknown {
  if (typeof value === 'string') return hide(value)
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideIn(item, hide)]))
}

/** A cause that tells a secret is left out whole: its stack and fields would tell it too. */
function causeWithout(cause: unknown, hide: Hide): unknown {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const told = `${error.message}${error instanceof BuslineError ? JSON.stringify(error.data) : ''}`
    if (hide(told) !== told) return undefined
  }
  return cause
}
