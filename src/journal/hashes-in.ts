const REFERENCE = /"\$blob":"(sha256-[0-9a-f]{64})"/g

/** Bytes of a reference up to the end of its hash. */
export const REFERENCE_BYTES = '"$blob":"sha256-"'.length + 64

/** The hashes of all blobs that lines refer to, by a look at their bytes; now and then one that only looks like it. */
export function hashesIn(lines: Uint8Array): string[] {
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString('latin1')
  return Array.from(text.matchAll(REFERENCE), ([, hash = '']) => hash)
}
