/** A buffer, any typed array, a view. */
export function isBytes(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

/** The bytes that a value counts as: of bytes and strings their own, else those of its JSON, 0 where it has none. */
export function sizeOf(value: unknown): number {
  if (isBytes(value)) return value.byteLength
  if (typeof value === 'string') return Buffer.byteLength(value, 'utf8')
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '', 'utf8')
  } catch {
    // A cycle, a bigint: then the number of objects is the only bound.
    return 0
  }
}
