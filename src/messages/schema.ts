import * as z from 'zod'
import { BuslineError, type ErrorCode } from './busline-error.ts'

/** Any zod 4 schema, classic or mini. */
export type Schema = z.core.$ZodType

/**
 * Parses a value at a boundary.
 *
 * @throws BuslineError with the given code (default `VALIDATION_FAILED`), naming `what` and each field that
 * does not fit; `data.issues` lists them as `{ path, message }`.
 */
export function parseWith<S extends Schema>(
  schema: S,
  value: unknown,
  what: string,
  code: ErrorCode = 'VALIDATION_FAILED',
): z.output<S> {
  const result = z.core.safeParse(schema, value)
  if (result.success) return result.data

  const issues = result.error.issues.map((issue) => ({
    path: z.core.toDotPath(issue.path),
    message: issue.message,
  }))
  const fields = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  throw new BuslineError(code, `${what} does not fit its schema. ${fields}`, { data: { issues } })
}
