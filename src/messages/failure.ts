import * as z from 'zod'
import { BuslineError } from './busline-error.ts'
import { assertLosslessJson } from './lossless-json.ts'

/** An error as data: what the journal and events hold of it. */
export const Failure = z.object({
  code: z.string(),
  name: z.string(),
  message: z.string(),
  data: z.unknown().optional(),
  cause: z.unknown().optional(),
})
export type Failure = z.output<typeof Failure>

const DEPTH = 5

/**
 * Turns whatever was thrown into data. A string code that the error already carries (`ENOENT`) is kept; without
 * one it is `HANDLER_FAILED`. Causes are followed five deep; data that is not JSON is left out. Never throws, whatever
 * the error's own fields do.
 */
export function failureOf(thrown: unknown, depth = DEPTH): Failure {
  try {
    return read(thrown, depth)
  } catch {
    return { code: 'HANDLER_FAILED', name: typeof thrown, message: "an error whose fields can't be read" }
  }
}

function read(thrown: unknown, depth: number): Failure {
  if (!(thrown instanceof Error)) {
    return { code: 'HANDLER_FAILED', name: typeof thrown, message: describe(thrown) }
  }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'HANDLER_FAILED'
  const failure: Failure = { code, name: describe(thrown.name), message: describe(thrown.message) }
  if (thrown instanceof BuslineError && Object.keys(thrown.data).length > 0 && isJson(thrown.data)) {
    failure.data = thrown.data
  }
  if (thrown.cause !== undefined && depth > 1) failure.cause = failureOf(thrown.cause, depth - 1)
  return failure
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch (error) {
    return `a value that can't be shown (${String(error)})`
  }
}

function isJson(data: unknown): boolean {
  try {
    assertLosslessJson(data, 'error data')
    return true
  } catch {
    return false
  }
}
