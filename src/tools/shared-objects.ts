import * as z from 'zod'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'
import { boundedStore } from './bounded-store.ts'
import { checkWholeNumber } from './check-option.ts'
import { missingObject } from './missing-object.ts'
import { isBytes, sizeOf } from './object-size.ts'
import { replaceInside } from './replace-inside.ts'

export interface SharedObjectsOptions {
  /** Milliseconds that an object is kept (default one hour). */
  ttl?: number | undefined
  /** Bytes of all objects together (default 256 MiB); the oldest are dropped first. */
  maxBytes?: number | undefined
  /** How many objects are kept (default 1 000). */
  maxObjects?: number | undefined
}

/** What a model may know of an object beside its ref. */
export interface ShareOptions {
  name?: string | undefined
  /** Default `application/octet-stream` for bytes, else none. */
  mediaType?: string | undefined
  /** Its size, for what has none of its own (default: of bytes and strings their length, else that of its JSON, else 0). */
  bytes?: number | undefined
}

/** What a model sees in the place of an object. */
export interface SharedRef {
  $ref: string
  name?: string
  mediaType?: string
  bytes: number
}

/** What of a scope is needed: whose object it is, when it was put, and an id that can't be guessed. */
export type SharingScope = Pick<Scope, 'session' | 'now' | 'newId'>

/** Objects that tools hand each other, while the model only sees refs. A ref is known in its own session only. */
export interface SharedObjects {
  /** Keeps an object; `INVALID_OUTPUT` when it alone is larger than `maxBytes`. */
  put(value: unknown, options: ShareOptions, scope: SharingScope): SharedRef
  /** The very object; `INVALID_ARGUMENTS`, with the reason as `data.absent`, when it is not there. */
  get(ref: string, scope: SharingScope): unknown
  /** Forgets all objects of a session. */
  forget(session: string): void
  /** Bytes of what is kept now; never more than `maxBytes`. */
  bytes(now: number): number
}

const PREFIX = 'ref:'

/**
 * Keeps objects in memory, within bounds. Nothing outlives the process.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function sharedObjects(options: SharedObjectsOptions = {}): SharedObjects {
  const { ttl = 3_600_000, maxBytes = 256 * 2 ** 20, maxObjects = 1000 } = options
  const store = boundedStore<unknown>(
    'sharedObjects',
    { ttl, maxBytes, maxEntries: maxObjects },
    'maxObjects',
  )

  return {
    put(value, given, scope) {
      const described = describe(value, given)
      const ref = `${PREFIX}${scope.newId()}`
      if (!store.put(keyOf(scope, ref), value, described.bytes, scope.now()))
        throw tooLarge(described.bytes, maxBytes)
      return { $ref: ref, ...described }
    },
    get(ref, scope) {
      const found = store.find(keyOf(scope, ref), scope.now())
      if ('absent' in found) throw missingObject(ref, found.absent)
      return found.value
    },
    forget: (session) => store.forget(keyOf({ session }, '')),
    bytes: (now) => store.bytes(now),
  }
}

/** A value that a tool wants kept and handed on by reference. */
class Shared {
  readonly value: unknown
  readonly options: ShareOptions

  constructor(value: unknown, options: ShareOptions) {
    this.value = value
    this.options = options
  }
}

/**
 * Marks a value that a tool returns, alone or inside of an object or array, as one that the model gets only a ref of;
 * another tool that takes the ref gets the very same value. Bytes (a `Buffer`, any typed array, an `ArrayBuffer`) need no mark.
 */
export function share(value: unknown, options: ShareOptions = {}): unknown {
  if (options.bytes !== undefined) checkWholeNumber('share.bytes', options.bytes, 0)
  return new Shared(value, options)
}

/** Where a ref stood in a tool's arguments, until the object takes its place. */
class Reference {
  readonly ref: string
  readonly type: Schema | undefined

  constructor(ref: string, type: Schema | undefined) {
    this.ref = ref
    this.type = type
  }
}

/**
 * A parameter for which the model gives a ref and the tool gets the object. `type` is what the object must be, e.g.
 * `z.instanceof(Uint8Array)`: it is checked, not changed (default: anything). Fits inside of objects, arrays, unions and
 * `.optional()`.
 */
export function sharedRef(options?: { description?: string | undefined }): z.ZodType
export function sharedRef<T>(options: { type: z.ZodType<T>; description?: string | undefined }): z.ZodType<T>
export function sharedRef(options: { type?: z.ZodType; description?: string | undefined } = {}): z.ZodType {
  const { type, description = 'An object of a former tool result.' } = options
  const ref = z
    .string()
    .regex(/^ref:[0-9a-zA-Z_-]+$/, 'expected the `$ref` of a former tool result, like "ref:…"')
    .describe(`${description} Give its \`$ref\`, like "ref:…".`)
  return z.preprocess(
    refOf,
    ref.transform((text): unknown => new Reference(text, type)),
  )
}

/**
 * A tool's result with refs in the place of its bytes and of what it marked with {@link share}; the result itself when
 * there is nothing of the kind. Cycles and what is no plain object or array are left to whoever checks the result.
 *
 * @throws BuslineError `INVALID_OUTPUT` when an object is larger than all may be together
 */
export function shareResult(objects: SharedObjects, result: unknown, scope: SharingScope): unknown {
  return replaceInside(result, (value) => {
    if (value instanceof Shared) return { by: objects.put(value.value, value.options, scope) }
    if (isBytes(value)) return { by: objects.put(value, {}, scope) }
    return undefined
  })
}

/**
 * Arguments that a tool's schema has checked, with the objects in the place of the refs that {@link sharedRef} took; the
 * arguments themselves when there are none.
 *
 * @throws BuslineError `INVALID_ARGUMENTS` when a ref is unknown here, its object gone or of another type
 */
export function resolveRefs(objects: SharedObjects, args: unknown, scope: SharingScope): unknown {
  return replaceInside(args, (value) => {
    if (!(value instanceof Reference)) return undefined
    const object = objects.get(value.ref, scope)
    checkType(value, object)
    return { by: object }
  })
}

/** Models also give the whole object that they were shown. */
function refOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && '$ref' in value ? value.$ref : value
}

function checkType({ ref, type }: Reference, object: unknown): void {
  const result = type && z.core.safeParse(type, object)
  if (!result || result.success) return
  const why = result.error.issues.map(({ message }) => message).join('; ')
  throw new BuslineError('INVALID_ARGUMENTS', `The object ${ref} is of another type: ${why}.`, {
    data: { ref },
  })
}

function describe(value: unknown, { name, mediaType, bytes }: ShareOptions): Omit<SharedRef, '$ref'> {
  const type = mediaType ?? (isBytes(value) ? 'application/octet-stream' : undefined)
  return {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { mediaType: type }),
    bytes: bytes ?? sizeOf(value),
  }
}

function keyOf({ session }: Pick<SharingScope, 'session'>, ref: string): string {
  return `${session ?? ''}\n${ref}`
}

function tooLarge(bytes: number, maxBytes: number): BuslineError {
  return new BuslineError(
    'INVALID_OUTPUT',
    `The result holds an object of ${bytes} bytes, and objects may have ${maxBytes} bytes together. Return a smaller one.`,
    { data: { bytes, maxBytes } },
  )
}
