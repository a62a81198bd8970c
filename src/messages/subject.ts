import * as z from 'zod'

/** The message that another one is about. */
export const Subject = z.object({ id: z.string(), type: z.string() })
