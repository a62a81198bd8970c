import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { remembering, settle } from '../messages/settled.ts'

/** Characters of a tool result that stay when it is shortened. */
const HEAD = 400
/** Below this nothing would be won. */
const WORTH = 700

/**
 * An exchange that is over the budget on its own, with its tool results shortened, the oldest first, as many as it takes: their
 * beginnings and a note. For what is sent only; the stored history keeps them.
 *
 * @param over the tokens to be won
 */
export function shortenResults(
  exchange: readonly ConversationMessage[],
  over: number,
  countTokens: (message: ConversationMessage) => number,
): readonly ConversationMessage[] {
  let left = over
  return exchange.map((message) => {
    if (left <= 0 || message.role !== 'tool') return message
    const short = shortened(message)
    const won = short === message ? 0 : countTokens(message) - countTokens(short)
    if (won <= 0) return message
    left -= won
    return short
  })
}

const shortened = remembering((message: ConversationMessage): ConversationMessage => {
  const text = textOf(message)
  const media = Array.isArray(message.content) && message.content.some(({ type }) => type !== 'text')
  if (text.length <= WORTH && !media) return message
  const head = text.length <= WORTH ? text : wholeCharacters(text.slice(0, HEAD))
  const note = `[Shortened to fit the context: ${text.length - head.length} of ${text.length} characters left out${media ? ', and what is not text' : ''}.]`
  return settle({ ...message, content: head === '' ? note : `${head}\n${note}` })
})

/** Half of a surrogate pair is no character. */
function wholeCharacters(text: string): string {
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text
}
