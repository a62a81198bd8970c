import * as z from 'zod'
import type { Schema } from './schema.ts'
import { checkVersion, type Upcasts } from './upcasts.ts'

/** An event: past tense, any number of subscribers. Plain data; nothing is registered by defining one. */
export interface EventDefinition<Data extends Schema = Schema> {
  readonly kind: 'event'
  readonly type: string
  readonly data: Data
  /** Deltas of a text: each reaches subscribers at once, the journal gets them in batches. */
  readonly stream: boolean
  /** The version of its data that the schema describes; records carry it from 2 on. */
  readonly version: number
  /** By version: how data of that version becomes data of the next. */
  readonly upcast: Upcasts
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
 * @param definition.version whole number, default 1; raise it when old records no longer fit the schema
 * @param definition.upcast `{ 1: (data) => … }`: how the recorded data of a version becomes that of the next, for
 *   `upcastRecords`; a version without one fits as it is
 * @throws BuslineError `INVALID_OPTION` when `version` is no whole number from 1 on, or an upcast leads beyond it
 * @param definition.stream the data is a text delta, see {@link EventDefinition.stream} (default false)
 */
export function defineEvent<Data extends Schema>(
  type: string,
  definition: {
    data: Data
    key?: (data: z.output<Data>) => string
    stream?: false
    version?: number
    upcast?: Upcasts
  },
): EventDefinition<Data>
export function defineEvent(
  type: string,
  definition: { data: typeof TextDelta; key?: (data: { text: string }) => string; stream: true },
): EventDefinition<typeof TextDelta>
export function defineEvent(
  type: string,
  definition: {
    data: Schema
    key?: (data: never) => string
    stream?: boolean
    version?: number
    upcast?: Upcasts
  },
): unknown {
  const { version = 1, upcast = {}, ...rest } = definition
  checkVersion(type, version, { upcast })
  return Object.freeze({ stream: false, ...rest, version, upcast, kind: 'event', type })
}
