import * as z from 'zod'
import { isSettled, settle } from './settled.ts'

/**
 * A schema for what is sent with every step, such as the messages of a history: each is checked once, and settled. What has
 * been through it passes as it is; so does what was settled before it came here, as what it was parsed to then.
 */
export function checkedOnce<Input extends object, Output extends object>(schema: z.ZodType<Output, Input>) {
  const known = new WeakMap<object, Output>()
  return z
    .custom<Input>((value) => typeof value === 'object' && value !== null, 'expected an object')
    .transform((value, context): Output => {
      const before = known.get(value)
      if (before) return before
      const parsed = schema.safeParse(value)
      if (!parsed.success) {
        for (const { path, message } of parsed.error.issues)
          context.issues.push({ code: 'custom', input: value, path, message })
        return z.NEVER
      }
      const output = settle(parsed.data)
      known.set(output, output)
      if (isSettled(value)) known.set(value, output)
      return output
    })
}
