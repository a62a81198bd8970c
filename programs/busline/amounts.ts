import { UsageError } from '../function-chat/usage-error.ts'

const MILLISECONDS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const BYTES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Milliseconds of `500ms`, `90s`, `15m`, `12h`, `30d`, `2w`. @throws UsageError */
export function parseDuration(option: string, text: string): number {
  return parse(text, MILLISECONDS) ?? refuse(option, 'a time such as 90s, 15m, 12h, 30d or 2w', text)
}

/** Bytes of `1GB` (10⁹), `512MiB` (2²⁰ each), `1000`. @throws UsageError */
export function parseBytes(option: string, text: string): number {
  return parse(text, BYTES, 'b') ?? refuse(option, 'a size such as 500MB, 1GB or 512MiB', text)
}

/** A whole number of at least 0. @throws UsageError */
export function parseCount(option: string, text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse(option, 'a whole number', text)
}

function parse(text: string, units: Record<string, number>, unit?: string): number | undefined {
  const [, number, named = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? []
  const word = named === '' ? unit : named.toLowerCase()
  if (number === undefined || word === undefined || !Object.hasOwn(units, word)) return undefined
  return Number(number) * (units[word] ?? 1)
}

function refuse(option: string, what: string, text: string): never {
  throw new UsageError(`--${option} must be ${what}, not ${JSON.stringify(text)}.`)
}

/** Bytes for people: `1.5 GB`. */
export function bytesText(bytes: number): string {
  const [unit, size] = [
    ['GB', 1e9] as const,
    ['MB', 1e6] as const,
    ['kB', 1e3] as const,
    ['bytes', 1] as const,
  ].find(([, least]) => bytes >= least) ?? ['bytes', 1]
  return `${size === 1 ? bytes : (bytes / size).toFixed(1)} ${unit}`
}
