/**
 * Reads a body as text, up to `limit` bytes; the rest is left behind. `onBytes` hears of each piece, so that a
 * caller can tell a connection that was lost before the answer from one that was lost in it.
 */
export async function readText(
  body: AsyncIterable<Uint8Array>,
  options: { limit: number; onBytes?: () => void },
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const piece of body) {
    options.onBytes?.()
    text += decoder.decode(piece, { stream: true })
    bytes += piece.byteLength
    if (bytes > options.limit) break
  }
  return text + decoder.decode()
}
