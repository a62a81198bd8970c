import type { RawAnswer } from './raw-answer.ts'

/** In bytes. */
const LIMIT = 64 * 1024
/** In milliseconds. */
const PATIENCE = 1000

/**
 * Reads the body of an error as text, up to 64 KB and for at most a second, and gives up the rest: its status is told
 * whether its body ends or not. Never rejects; what a lost connection left is what there is.
 */
export async function readErrorBody(answer: RawAnswer): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  const reading = async (): Promise<void> => {
    let bytes = 0
    for await (const piece of answer.body) {
      text += decoder.decode(piece, { stream: true })
      bytes += piece.byteLength
      if (bytes > LIMIT) return
    }
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE)
  })
  try {
    await Promise.race([reading().catch(() => undefined), late])
  } finally {
    clearTimeout(timer)
    answer.cancel()
  }
  return text + decoder.decode()
}
