import type * as z from 'zod'

/** What is wrong with options: the field, as a path (empty for the whole), and why. */
export interface OptionFault {
  readonly field: string
  readonly why: string
}

/** The first thing that is wrong with options by their schema, a name that it does not know included; undefined for none. */
export function optionFault(schema: z.ZodType, options: unknown): OptionFault | undefined {
  const parsed = schema.safeParse(options)
  const issue = parsed.success ? undefined : parsed.error.issues[0]
  if (!issue) return undefined
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') return { field: path.join('.'), why: issue.message }
  return { field: [...path, ...issue.keys.slice(0, 1)].join('.'), why: 'there is no such option' }
}
