import { BuslineError } from '../messages/busline-error.ts'

/** Whether a type is meant by a selector: itself, `a.*` for everything under `a.`, `**` for all. */
export function selects(selector: string, type: string): boolean {
  if (selector === '**') return true
  return selector.endsWith('.*') ? type.startsWith(selector.slice(0, -1)) : selector === type
}

/** Returns a type or pattern; refuses one that could never match. */
export function checkPattern(selector: string): string {
  const isPattern = /^(?:[^*.]+\.)*(?:[^*.]+|\*)$/.test(selector) && selector !== '*'
  if (selector === '**' || isPattern) return selector
  throw new BuslineError(
    'INVALID_OPTION',
    `${JSON.stringify(selector)} selects nothing. Use a type (tool.call), a pattern of all types below a name (tool.*), or ** for all.`,
    { data: { selector } },
  )
}
