import type { ChatMessage } from './protocol.ts'

/** How many characters of a message are analysed; the rest is neither searched nor answered. */
export const ANALYSED = 4_000

/**
 * The words of a message as the subjects read them: text parts joined, cut to {@link ANALYSED}, control characters
 * turned into spaces (line ends stay), typographic quotes, spaces and dashes made plain.
 */
export function plainText(content: ChatMessage['content']): string {
  return rawText(content, ANALYSED)
    .slice(0, ANALYSED)
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{C}\n]/gu, ' ')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/[^\S\n]/g, ' ')
    .replace(/\u2212/g, '-')
    .trim()
}

/** The text of a message as it came; stops joining parts once `enough` characters are there. */
export function rawText(content: ChatMessage['content'], enough = Infinity): string {
  if (typeof content === 'string') return content
  let text = ''
  for (const part of content ?? []) {
    if (text.length > enough) break
    if (typeof part.text === 'string') text += text ? `\n${part.text}` : part.text
  }
  return text
}
