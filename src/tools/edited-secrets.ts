import { BuslineError } from '../messages/busline-error.ts'
import { SECRET_PLACEHOLDER } from '../messages/secret-fields.ts'

/**
 * Arguments that somebody edited who saw {@link SECRET_PLACEHOLDER} in the place of secrets: what he left as it was shown is
 * put back, wherever it stands at the same path.
 *
 * @throws BuslineError `INVALID_ARGUMENTS` for a placeholder that stands for nothing there, so that no tool takes it for a value
 */
export function withSecrets(
  what: string,
  { edited, shown, given }: { edited: unknown; shown: unknown; given: unknown },
): unknown {
  return restored({ edited, shown, given }, [], what)
}

interface Values {
  readonly edited: unknown
  readonly shown: unknown
  readonly given: unknown
}

function restored({ edited, shown, given }: Values, path: readonly string[], what: string): unknown {
  if (typeof edited === 'string') {
    if (!edited.includes(SECRET_PLACEHOLDER)) return edited
    if (edited === shown) return given
    throw refusal(what, path)
  }
  if (typeof edited !== 'object' || edited === null) return edited
  const inside = (key: string, value: unknown): unknown =>
    restored({ edited: value, shown: at(shown, key), given: at(given, key) }, [...path, key], what)
  if (Array.isArray(edited)) return edited.map((item: unknown, index) => inside(String(index), item))
  return Object.fromEntries(Object.entries(edited).map(([key, value]) => [key, inside(key, value)]))
}

function at(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

function refusal(what: string, path: readonly string[]): BuslineError {
  const message = `${JSON.stringify(SECRET_PLACEHOLDER)} stands for a secret that is not shown, and there is none at this place: give the value itself, or leave the field as it was shown`
  const field = path.join('.')
  return new BuslineError('INVALID_ARGUMENTS', `${what} does not fit its schema. ${field}: ${message}.`, {
    data: { issues: [{ path: field, message }] },
  })
}
