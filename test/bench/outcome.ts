import * as z from 'zod'

/** What became of one case: its figures, one for each column of the table, or why there are none. */
export const Outcome = z.union([
  z.object({ figures: z.array(z.number()).readonly() }),
  z.object({ failure: z.string() }),
])
export type Outcome = z.infer<typeof Outcome>
