import { BuslineError } from 'busline'
import { EXIT, exitCodeFor } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { asStdin } from './stdin-files.ts'

/** What a command threw, as a line for stderr and an exit code; a stack only where `BUSLINE_DEBUG` is set. */
export function tellFailure(error: unknown, env: NodeJS.ProcessEnv): { code: number; lines: string[] } {
  const { code, lines } = told(error, env)
  return { code, lines: lines.map(asStdin) }
}

function told(error: unknown, env: NodeJS.ProcessEnv): { code: number; lines: string[] } {
  const stack = env['BUSLINE_DEBUG'] && error instanceof Error ? (error.stack ?? '').split('\n') : []
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof BuslineError || error instanceof UsageError)
    return { code: exitCodeFor(error), lines: [message, ...stack] }
  if (isSystemError(error)) return { code: EXIT.io, lines: [`${message}.`, ...stack] }
  const hint = stack.length > 0 ? '' : ' BUSLINE_DEBUG=1 shows where.'
  return { code: EXIT.failed, lines: [`This is a bug of busline: ${message}.${hint}`, ...stack] }
}

/** What the system refused: a file that is not there, a disk that is full. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'errno' in error
}
