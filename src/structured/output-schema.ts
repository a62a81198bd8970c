import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { OutputSchema } from '../messages/model.ts'
import type { Schema } from '../messages/schema.ts'

/**
 * What a model is to answer, from a zod 4 schema: JSON Schema 2020-12 of what the schema takes in (`io: 'input'`), because the
 * model writes what is parsed afterwards; a field with a default may be left out, and gets it. Transforms are no part
 * of it: parse the output with the schema itself where it has any.
 *
 * @param name told to the model: 1 to 64 of `A-Z a-z 0-9 _ -`
 * @throws BuslineError `INVALID_OPTION` for a schema that JSON Schema can't express, or whose root is no object, which most servers
 * refuse (wrap it: `z.object({ items: … })`)
 */
export function outputSchema(schema: Schema, name = 'output'): OutputSchema {
  if (!isSchema(schema)) throw invalid('it is no zod 4 schema')
  let json: Record<string, unknown>
  try {
    json = z.toJSONSchema(schema, {
      io: 'input',
      override: ({ jsonSchema }) => {
        // Our own mark for the journal; no model needs to read it.
        delete jsonSchema['secret']
      },
    })
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error)
  }
  const { $schema: _dialect, '~standard': _standard, ...shown } = json
  if (shown['type'] !== 'object') throw invalid('its root must be an object. Wrap it: z.object({ items: … })')
  const parsed = OutputSchema.safeParse({ name, schema: shown })
  if (parsed.success) return parsed.data
  throw invalid(`the name ${JSON.stringify(name)} must be 1 to 64 of A-Z a-z 0-9 _ -`)
}

/** JavaScript may hand in anything. */
function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value
}

function invalid(why: string, cause?: unknown): BuslineError {
  return new BuslineError('INVALID_OPTION', `No model can be asked for this output: ${why}.`, {
    data: { option: 'schema' },
    cause,
  })
}
