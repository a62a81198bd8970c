import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { OutputSchema } from '../messages/model.ts'
import type { Schema } from '../messages/schema.ts'
import { extractJson } from './extract-json.ts'

/** One thing that is wrong with an output; `path` is empty for the whole. */
export interface OutputIssue {
  readonly path: string
  readonly message: string
}

/** What an answer's text came to: the value with the schema's defaults, and its JSON as it was written; or what is wrong. */
export type Reading = { ok: true; output: unknown; json: string } | { ok: false; issues: OutputIssue[] }

/** @throws BuslineError `INVALID_OPTION` for a schema that can't be read */
export function validatorOf({ name, schema }: OutputSchema): Schema {
  try {
    return z.fromJSONSchema(schema)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new BuslineError(
      'INVALID_OPTION',
      `The schema of the output ${name} can't be read: ${why}. Give JSON Schema, e.g. outputSchema(z.object({ … })).`,
      { data: { option: 'schema' }, cause: error },
    )
  }
}

/** Reads the JSON value of an answer and checks it. */
export function readOutput(text: string, validator: Schema): Reading {
  const extracted = extractJson(text)
  if (!extracted) return { ok: false, issues: [{ path: '', message: whyNone(text) }] }
  const parsed = z.safeParse(validator, extracted.value)
  if (parsed.success) return { ok: true, output: parsed.data, json: extracted.json }
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: z.core.toDotPath(path), message }))
  return { ok: false, issues }
}

/** What the parser says of the text, for a model that is to mend it. */
function whyNone(text: string): string {
  if (text.trim() === '') return 'the answer is empty'
  try {
    JSON.parse(text.trim())
    return 'there is no JSON value'
  } catch (error) {
    return `it is not one JSON value (${error instanceof Error ? error.message : String(error)})`
  }
}
