import { SECRET_PLACEHOLDER } from '../messages/secret-fields.ts'

/** Key names whose values are never recorded, matched whole; never `token` alone, which counts tokens too. */
const NAMES = 'api_?key|authorization|password|secret|access_token'
const SECRET_KEY = new RegExp(`^(?:${NAMES})$`, 'i')
/** Such a key in JSON, also in JSON that stands in a string of it, where quotes are escaped. */
const KEY_IN_LINE = new RegExp(`"(?:${NAMES})\\\\*"\\s*:`, 'i')
/** Such a key and its string in JSON that can't be parsed, because it was cut off for instance. */
const KEY_AND_TEXT = new RegExp(`("(?:${NAMES})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"?`, 'gis')

/**
 * A value as JSON in which nothing stands under a secret's key name, neither in the value itself nor in a string of it
 * that is JSON, as a tool's arguments are; undefined when there is nothing to write.
 */
export function jsonWithoutSecretKeys(value: unknown): string | undefined {
  const json: string | undefined = JSON.stringify(value)
  // A look at the line costs little beside making it; nearly none holds such a key.
  return json !== undefined && KEY_IN_LINE.test(json) ? JSON.stringify(value, hideByKey) : json
}

function hideByKey(key: string, item: unknown): unknown {
  // Undefined counts as absent, and that there is none is no secret.
  if (item === undefined || item === null) return item
  if (SECRET_KEY.test(key)) return SECRET_PLACEHOLDER
  return typeof item === 'string' && /^\s*[[{]/.test(item) && KEY_IN_LINE.test(item) ? hideInText(item) : item
}

function hideInText(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    const hidden = JSON.stringify(value, hideByKey)
    // As it stood, blanks and all, where nothing was hidden.
    return hidden === JSON.stringify(value) ? text : hidden
  } catch {
    return text.replace(KEY_AND_TEXT, `$1"${SECRET_PLACEHOLDER}"`)
  }
}
