import type { Operator } from './filter-tokens.ts'

/** Milliseconds of each unit of a duration. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500`, `500ms`, `1.5s`, `10m`, `2h`, `7d` in milliseconds; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const [, number = '', unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  return number === '' ? undefined : Number(number) * (UNITS[unit] ?? 1)
}

/** A number in decimal notation; undefined for anything else. */
export function readNumber(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}

/**
 * A moment as epoch milliseconds: `2026-11-21`, `2026-11-21T09:00`, with seconds and a zone (UTC without), or epoch
 * milliseconds themselves; undefined for anything else.
 */
export function readMoment(text: string): number | undefined {
  if (/^\d{12,}$/.test(text)) return Number(text)
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text) ?? []
  if (date === undefined || !isDay(date)) return undefined
  const moment = Date.parse(`${date}T${time}${zone}`)
  return Number.isNaN(moment) ? undefined : moment
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const day = new Date(date)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date)
}

/** How two numbers stand to each other. */
export function compares(value: number, operator: Operator, to: number): boolean {
  if (operator === '>') return value > to
  if (operator === '>=') return value >= to
  if (operator === '<') return value < to
  if (operator === '<=') return value <= to
  return operator === '!=' ? value !== to : value === to
}

/**
 * Whether a text is meant by a pattern in which `*` stands for any characters. In time that grows with the text: each part is
 * looked for once.
 */
export function globFits(pattern: readonly string[], text: string): boolean {
  const [first = '', ...others] = pattern
  if (others.length === 0) return text === first
  const last = others.pop() ?? ''
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false
  let at = first.length
  for (const part of others) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at <= text.length - last.length
}

/**
 * Whether an id begins with these characters. Numbers stay whole: ids are counted (`run-2`, `run-2.4`), so `run-2` means it
 * and what is below it, not `run-20`.
 */
export function idFits(beginning: string, id: string): boolean {
  if (!id.startsWith(beginning)) return false
  return !(/[-./]\d+$/.test(beginning) && /\d/.test(id[beginning.length] ?? ''))
}
