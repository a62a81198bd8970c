import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'

export function inUse(path: string, pid: number): BuslineError {
  return new BuslineError(
    'JOURNAL_IN_USE',
    `The journal ${path} is being written by process ${pid}. One bus, one file: choose another path.`,
    { data: { path, pid } },
  )
}

export function cannotOpen(path: string, error: unknown): BuslineError {
  return new BuslineError(
    'JOURNAL_FAILED',
    `The journal ${path} can't be opened: ${whyOf(error)}. Choose a folder that can be written.`,
    { data: { path }, cause: error },
  )
}

export function cannotWrite(path: string, error: unknown): BuslineError {
  return new BuslineError('JOURNAL_FAILED', `The journal ${path} can't be written: ${whyOf(error)}.`, {
    data: { path },
    cause: error,
  })
}
