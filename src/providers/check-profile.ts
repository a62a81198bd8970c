import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { Profile } from './profile.ts'

const field = z.enum(['reasoning', 'reasoning_content', 'reasoning_details', 'thinking'])

/** {@link Profile} as a schema, strict: a field that nobody knows is a typing error. */
const schema = z.strictObject({
  name: z.string().min(1),
  hosts: z.array(z.string()),
  baseURL: z.string().optional(),
  path: z.string().optional(),
  apiVersion: z.string().optional(),
  keyHeader: z.enum(['authorization', 'api-key']),
  maxTokens: z.enum(['max_tokens', 'max_completion_tokens']),
  olderModels: z.instanceof(RegExp).optional(),
  seed: z.enum(['seed', 'random_seed']),
  refuses: z.array(z.string()),
  extraContent: z.boolean(),
  output: z.enum(['schema', 'object', 'instruction']),
  outputBesideTools: z.boolean(),
  names: z.strictObject({ legal: z.instanceof(RegExp), longest: z.int().min(12) }),
  callIdLength: z.int().min(1).optional(),
  developerRole: z.boolean(),
  systemAnywhere: z.boolean(),
  adjacentUsers: z.boolean(),
  userAfterTool: z.boolean(),
  toolParts: z.boolean(),
  reasoning: z.strictObject({
    echo: z.enum(['never', 'toolLoop', 'toolTurns', 'always']),
    fields: z.array(field),
    empty: field.optional(),
  }),
  thinkTags: z.boolean(),
})

/**
 * Checks the fields of a profile that are given.
 *
 * @throws BuslineError `INVALID_OPTION` that names the first which can not be meant, as in `profile.reasoning.fields`
 */
export function checkProfile(given: Partial<Profile>): void {
  const { error } = schema.partial().safeParse(given)
  const issue = error?.issues[0]
  if (!issue) return
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const option = ['profile', ...issue.path, ...unknown].map(String).join('.')
  throw new BuslineError(
    'INVALID_OPTION',
    `${option} of openaiProvider is not what a profile has: ${issue.message}. What is given replaces the field whole.`,
    { data: { option } },
  )
}

/** Whether every field is given that a profile must have: it then is one of its own, whatever its name. */
export function isWholeProfile(given: Partial<Profile>): given is Profile {
  return schema.safeParse(given).success
}
