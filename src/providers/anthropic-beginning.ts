import { answerForm, type AnswerForm } from './answer-form.ts'
import { Utf8Text } from './read-events.ts'

/** An answer of which it is known what it is, all of it still to be read. */
export interface Begun {
  form: AnswerForm
  body: AsyncIterable<Uint8Array>
}

/** Of white space, in characters: what comes after so much of it is what the content-type says. */
const LONGEST_BLANK = 1024 * 1024

/**
 * Reads as much of a body as tells whether it is a stream or one body, by the same rule as with other servers; where its end
 * comes first, the content-type decides. Does not reject: what the source throws comes when the body is read.
 */
export async function beginningOf(source: AsyncIterable<Uint8Array>, saysStream: boolean): Promise<Begun> {
  const pieces: Uint8Array[] = []
  const iterator = source[Symbol.asyncIterator]()
  const decoder = new Utf8Text()
  let text = ''
  let blank = 0
  let form: AnswerForm | undefined
  let failure: { thrown: unknown } | undefined
  try {
    while (form === undefined && blank < LONGEST_BLANK) {
      const piece = await iterator.next()
      if (piece.done) break
      pieces.push(piece.value)
      const more = text + decoder.push(piece.value)
      text = more.trimStart()
      blank += more.length - text.length
      form = answerForm(text, saysStream)
    }
  } catch (thrown) {
    failure = { thrown }
  }
  return { form: form ?? (saysStream ? 'stream' : 'body'), body: whole(pieces, iterator, failure) }
}

async function* whole(
  pieces: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  failure: { thrown: unknown } | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces
    if (failure) throw failure.thrown
    for (let piece = await rest.next(); !piece.done; piece = await rest.next()) yield piece.value
  } finally {
    await rest.return?.()
  }
}
