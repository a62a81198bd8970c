import * as z from 'zod'
import { Failure } from '../messages/failure.ts'

/** What a `bus.deadLettered` note holds. */
export const DeadLetterNote = z.object({
  letter: z.string(),
  kind: z.enum(['event', 'command']),
  type: z.string(),
  message: z.string(),
  key: z.string(),
  // Absent where it was undefined: a command without an input.
  data: z.unknown().default(undefined),
  session: z.string().optional(),
  subscriber: z.string().optional(),
  attempts: z.number(),
  error: Failure,
  time: z.number(),
  parked: z.boolean(),
  /** The same letter as before, after a redrive that failed. */
  again: z.boolean().default(false),
})

/** What the note holds that gives a restored letter another id; `print` is that of its first note. */
export const LetterRenamedNote = z.object({ letter: z.string(), to: z.string(), print: z.string() })

/** What the notes hold that end a dead letter. */
export const LetterEndNote = z.object({ letter: z.string() })

/** What a `bus.scheduled` note holds. */
export const ScheduledNote = z.object({
  schedule: z.string(),
  kind: z.enum(['event', 'command']),
  type: z.string(),
  session: z.string().optional(),
  // Absent where it was undefined: a command without an input.
  data: z.unknown().default(undefined),
  due: z.number(),
  every: z.number().optional(),
  left: z.number().optional(),
  late: z.union([z.enum(['run', 'skip']), z.number()]),
})

/** What a `bus.scheduleFired` note holds: where a repeating one goes on. */
export const ScheduleFiredNote = z.object({
  schedule: z.string(),
  next: z.number().optional(),
  left: z.number().optional(),
})

/** What a `bus.scheduleEnded` note holds. */
export const ScheduleEndedNote = z.object({ schedule: z.string() })

/** What the note holds that gives a restored schedule another id; `print` is that of its first note. */
export const ScheduleRenamedNote = z.object({ schedule: z.string(), to: z.string(), print: z.string() })
