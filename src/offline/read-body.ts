import type { IncomingMessage } from 'node:http'

/** The largest request body, in bytes. */
export const MAX_BODY = 16 * 1024 * 1024

/** Beyond this the rest of a refused body is not even read away. */
const PATIENCE = 4 * MAX_BODY

/**
 * Reads a request body as text; undefined when it is larger than {@link MAX_BODY}. Such a body is read to its end and
 * dropped, because a client that is still writing would see a broken connection instead of the answer.
 *
 * @throws when the client goes away before the end
 */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  // not `for await`: leaving that loop early would destroy the connection before the answer
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY) chunks.push(chunk)
      else chunks.length = 0
      if (size > PATIENCE) resolve(undefined)
    })
    request.on('end', () => resolve(size > MAX_BODY ? undefined : Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
    request.on('close', () => reject(new Error('The client went away before the end of its request.')))
  })
}
