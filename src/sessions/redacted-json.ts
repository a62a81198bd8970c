const USAGE = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
]

/**
 * Words of the format that are long enough to hold a registered secret. Replacing one would make the file unreadable
 * and hide nothing.
 */
const FORMAT_WORDS: ReadonlySet<string> = new Set([
  'messages',
  'systemPrompt',
  'createdAt',
  'updatedAt',
  'tool_calls',
  'tool_call_id',
  'function',
  'arguments',
  'assistant',
  'developer',
  'openTurn',
  'patchContext',
  'notNeeded',
  'archived',
  'finishReason',
  ...USAGE,
])

/** The same for numbers: a time may hold a secret of digits by chance, and has to stay one. */
const FORMAT_NUMBERS: ReadonlySet<string> = new Set([
  'v',
  'version',
  'createdAt',
  'updatedAt',
  'at',
  'from',
  'time',
  'calls',
  'cost',
  ...USAGE,
])

type Redact = (text: string) => string

/**
 * JSON without secrets: `redact` is applied to each string, number and key before it is escaped, because it looks
 * for secrets as they are, and a quote or a line break inside of one stands escaped in JSON.
 *
 * @param space as for `JSON.stringify`
 */
export function redactedJson(value: unknown, redact: Redact, space?: number): string {
  // Looking first keeps the usual case, no secret, at the speed of a plain stringify.
  if (!holdsSecret('', value, redact)) return JSON.stringify(value, null, space)

  const replace = (key: string, item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return scalar(key, item, redact)
    if (Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).map(([name, inner]) => [word(name, redact), inner]))
  }
  return JSON.stringify(value, replace, space)
}

function holdsSecret(key: string, value: unknown, redact: Redact): boolean {
  if (typeof value !== 'object' || value === null) return scalar(key, value, redact) !== value
  if (Array.isArray(value)) return value.some((item) => holdsSecret('', item, redact))
  return Object.entries(value).some(
    ([name, item]) => word(name, redact) !== name || holdsSecret(name, item, redact),
  )
}

function scalar(key: string, value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return word(value, redact)
  if (typeof value !== 'number' || FORMAT_NUMBERS.has(key)) return value
  const digits = String(value)
  const clean = redact(digits)
  return clean === digits ? value : clean
}

function word(text: string, redact: Redact): string {
  return FORMAT_WORDS.has(text) ? text : redact(text)
}
