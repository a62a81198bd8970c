import { BuslineError } from '../messages/busline-error.ts'

/** Where a value stands in a record: `['data', 'messages', 2]`. */
export type ValuePath = readonly (string | number)[]

/** A path as people read it: `data.messages[2].content`. */
export function pathText(path: ValuePath): string {
  return path
    .map((part, place) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w$-]+$/.test(part)) return `[${JSON.stringify(part)}]`
      return place === 0 ? part : `.${part}`
    })
    .join('')
}

interface Pattern {
  readonly type: string | undefined
  readonly parts: readonly string[]
}

/**
 * Whether values are to be passed over, by patterns such as `data.hash`, `output.toolCalls[*].id` and `model.call:output.usage`
 * (of that type only). `*` stands for any one key or place; what is below a path goes with it.
 *
 * @throws BuslineError `INVALID_OPTION` for a pattern that is no path
 */
export function pathMatcher(patterns: readonly string[]): (type: string, path: ValuePath) => boolean {
  const parsed = patterns.map(parsePattern)
  if (parsed.length === 0) return () => false
  return (type, path) => parsed.some((pattern) => matches(pattern, type, path))
}

const PART = /\*|[\w$-]+|\[(?:\*|\d+|"(?:[^"\\]|\\.)*")\]/y

function parsePattern(text: string): Pattern {
  const colon = /^([\w.*-]+):(?!:)/.exec(text)
  const rest = colon ? text.slice(colon[0].length) : text
  const parts: string[] = []
  PART.lastIndex = 0
  while (PART.lastIndex < rest.length) {
    if (parts.length > 0 && rest[PART.lastIndex] === '.') PART.lastIndex++
    const part = PART.exec(rest)?.[0]
    if (part === undefined) throw invalid(text)
    parts.push(part.startsWith('[') ? unwrapped(part.slice(1, -1)) : part)
  }
  if (parts.length === 0) throw invalid(text)
  return { type: colon?.[1], parts }
}

function unwrapped(inside: string): string {
  return inside.startsWith('"') ? String(JSON.parse(inside)) : inside
}

function matches({ type: only, parts }: Pattern, type: string, path: ValuePath): boolean {
  if (only !== undefined && only !== type) return false
  return (
    parts.length <= path.length && parts.every((part, place) => part === '*' || part === String(path[place]))
  )
}

function invalid(text: string): BuslineError {
  const message = `ignore: ${JSON.stringify(text)} is no path. Write it as in data.hash, output.toolCalls[*].id or model.call:output.usage.`
  return new BuslineError('INVALID_OPTION', message, { data: { option: 'ignore' } })
}
