import { createRequire } from 'node:module'
import type * as Pino from 'pino'
import type { Participant } from '../bus/bus.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { visibleLine } from './visible-text.ts'

export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical'

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warning', 'error', 'critical']

export interface ConsoleLogOptions {
  /** Least level that is written, default `warning`: failures are errors, ordinary events info, the rest debug. */
  level?: LogLevel
  /** Where lines go (default: stderr). */
  write?: (line: string) => void
  /** Types that are left out, because the program says them itself. */
  except?: readonly string[]
  /** The journal's path, named with the line number behind a failed turn. */
  journal?: string
}

const WIDTH = 400

// Required when somebody wants lines: a program that does not should not load what writes them.
const load: (id: string) => Pick<typeof Pino, 'pino'> = createRequire(import.meta.url)

/** Writes what passes over a bus as lines for people, redacted like the journal. */
export function consoleLog(options: ConsoleLogOptions = {}): Participant {
  const { write = (line) => void process.stderr.write(line), except = [], journal } = options
  const { pino } = load('pino')
  const log = pino(
    {
      level: options.level ?? 'warning',
      customLevels: { debug: 20, info: 30, warning: 40, error: 50, critical: 60 },
      useOnlyCustomLevels: true,
      base: null,
      timestamp: false,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => write(toLine(line)) },
  )

  return (bus) => {
    bus.tap(function consoleLog(record) {
      if (except.includes(record.type)) return
      const where =
        journal !== undefined && record.type === 'chat.turnFailed' ? ` (${journal}:${record.seq + 1})` : ''
      log[levelOf(record)]({ time: record.time }, `${describe(record)}${where}`)
    })
  }
}

/** Notes of what goes well. */
const ORDINARY_NOTES = new Set(['bus.opened', 'bus.timeRead', 'bus.cancelRequested'])

function levelOf(record: JournalRecord): LogLevel {
  if (record.kind === 'note') return ORDINARY_NOTES.has(record.type) ? 'debug' : 'warning'
  if (record.kind !== 'event') return 'debug'
  if (record.type === 'model.attemptFailed') return 'warning'
  if (/failed$/i.test(record.type)) return 'error'
  return isBatch(record.data) ? 'debug' : 'info'
}

function isBatch(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'deltas' in data
}

function describe(record: JournalRecord): string {
  const place = record.session === undefined ? '' : ` [${record.session}]`
  const end = record.kind === 'result' ? ` ${record.status} in ${record.ms} ms` : ''
  return visibleLine(`${record.kind} ${record.type}${place}${end} ${summaryOf(record)}`, WIDTH).trimEnd()
}

function summaryOf(record: JournalRecord): string {
  const failure = record.error ?? failureIn(record.data)
  if (failure) return `${String(failure.code)}: ${String(failure.message)}${nextAttempt(record.data)}`
  const content = record.data ?? record.output
  return content === undefined ? '' : JSON.stringify(content)
}

/** Of a `model.attemptFailed`: who waits wants to know how long. */
function nextAttempt(data: unknown): string {
  if (typeof data !== 'object' || data === null || !('retryIn' in data)) return ''
  return typeof data.retryIn === 'number'
    ? ` The next attempt is in ${(data.retryIn / 1000).toFixed(1)} s.`
    : ''
}

function failureIn(data: unknown): { code: unknown; message: unknown } | undefined {
  if (typeof data !== 'object' || data === null || !('error' in data)) return undefined
  const { error } = data
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error
    ? error
    : undefined
}

function toLine(json: string): string {
  const { level, time, msg }: { level: string; time: number; msg: string } = JSON.parse(json)
  return `${new Date(time).toISOString().slice(11, 23)} ${level} ${msg}\n`
}
