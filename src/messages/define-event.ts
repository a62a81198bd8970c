import * as z from 'zod'
import type { Schema } from './schema.ts'

/** An event: past tense, any number of subscribers. Plain data; nothing is registered by defining one. */
export interface EventDefinition<Data extends Schema = Schema> {
  readonly kind: 'event'
  readonly type: string
  readonly data: Data
  /** Deltas of a text: each reaches subscribers at once, the journal gets them in batches. */
  readonly stream: boolean
  key?(data: z.output<Data>): string
}

/** The data of a stream event: one delta. */
export const TextDelta = z.object({ text: z.string() })

/**
 * Defines an event, the one place where its constant and its type string stand together.
 *
 * @param type dotted name, `people.greeted` for a constant `Greeted`
 * @param definition.data zod 4 schema of its data; parsed before it is recorded
 * @param definition.key events with one key reach a subscriber one at a time and in order (default: by session)
 * @param definition.stream the data is a text delta, see {@link EventDefinition.stream} (default false)
 */
export function defineEvent<Data extends Schema>(
  type: string,
  definition: { data: Data; key?: (data: z.output<Data>) => string; stream?: false },
): EventDefinition<Data>
export function defineEvent(
  type: string,
  definition: { data: typeof TextDelta; key?: (data: { text: string }) => string; stream: true },
): EventDefinition<typeof TextDelta>
export function defineEvent(
  type: string,
  definition: { data: Schema; key?: (data: never) => string; stream?: boolean },
): unknown {
  return Object.freeze({ stream: false, ...definition, kind: 'event', type })
}
