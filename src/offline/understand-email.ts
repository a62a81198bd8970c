import { ADDRESS, mailCommands } from './mail-commands.ts'

/** A mail that a text orders. What the user did not say is undefined; nothing is made up. */
export interface MailOrder {
  /** From its verb to its last word, as places in the text. */
  readonly at: number
  readonly end: number
  readonly to: readonly string[]
  readonly title?: string
  readonly body?: string
  /** The body stands right after the address, "email bob@x.org hello", and may be a request itself. */
  readonly bare: boolean
  /** "email it to …": the content is an answer, not in these words. */
  readonly refersBack: boolean
}

/**
 * Finds the mails that a text orders. `isRequest` tells whether words that come after a break ("… saying hi, and
 * what is 3*4?") ask for something else; they are then no part of the mail.
 */
export function understandEmail(text: string, isRequest: (words: string) => boolean): MailOrder[] {
  return mailCommands(text).map(({ at, from, end }) => {
    const words = text.slice(from, end)
    const own = words.slice(0, ownLength(words, isRequest))
    return { ...readOrder(own), at, end: from + own.length }
  })
}

/** The addresses in a text, at most five, each once. */
export function addressesIn(text: string): string[] {
  const found = Array.from(text.matchAll(new RegExp(ADDRESS, 'gu')), ([address]) => address)
  return [...new Set(found)].slice(0, 5)
}

/** A title for a mail that was given none: the first words of its body. */
export function titleOf(body: string): string {
  const line = body.trimStart().split('\n', 1)[0] ?? ''
  const words = line.slice(0, 200).split(/\s+/).slice(0, 8).join(' ').slice(0, 60)
  return words.replace(/[\s.,;:!?]{1,20}$/, '') || 'A message'
}

const NEXT_REQUEST =
  /(?:[.?!;,]|\s(?:and|then|also))\s{1,9}(?:(?:and|then|also)\s{1,9}){0,2}(?=(?:what(?:'s| is)|how (?:much|warm|cold|hot|is)|calculate|compute|tell me|is it)\b)/gi

function ownLength(words: string, isRequest: (words: string) => boolean): number {
  for (const match of Array.from(words.matchAll(NEXT_REQUEST)).slice(0, 8)) {
    const inQuotes = words.slice(0, match.index).split('"').length % 2 === 0
    if (!inQuotes && isRequest(words.slice(match.index + match[0].length))) return match.index
  }
  return words.length
}

interface Mark {
  readonly at: number
  readonly end: number
}

const BODY =
  /(?:\bwith )?(?:\bthe |\ba )?\b(?:body\b(?: ?[:=]| (?:is|of|saying)\b)?|(?:message|text|content) ?[:=])|\b(?:with|and) (?:the |a )?(?:message|text|content)\b(?: ?[:=]| (?:that|saying|of)\b)?|\bsaying\b(?: that\b)?[:,]?|\b(?:that|which) says\b:?|\b(?:telling|to tell|and tell) (?:him|her|them)\b(?: that\b)?|\b(?:to|and) say\b(?: that\b)?:?/i
const TITLE =
  /(?:\b(?:and|with) )?(?:\bthe |\ba )?\b(?:subject|title)(?: line)?\b(?: ?[:=]| (?:is|of)\b)?|\btitled\b|\bre:/i
const TITLE_AFTER_BODY =
  /[,.;?!]\s{0,9}(?:and )?(?:with )?(?:the |a )?(?:subject|title)\b ?[:=]?|\b(?:and|with) (?:the |a )?(?:subject|title)\b ?[:=]?/i
const TOPIC = /\b(?:about|regarding|concerning)\b/i
const AFTER_ADDRESS = /^\s{0,9}(?::|,? ?that\b|[-\u2013\u2014] |(?="))/i
const BARE =
  /^\s{1,9}(?:(?:an? )?(?:e-?mail|mail|message|note)\b ?)?(?!and\b|then\b|also\b|but\b|please\b|thanks\b|now\b)(?=[\p{L}\p{N}])/iu
const REFERENCE =
  /\b(?:it|this|that|them|(?:the|these|those) (?:results?|answers?|weather|forecast|outcome|temperatures?))\b/i

function readOrder(words: string): Omit<MailOrder, 'at' | 'end'> {
  const said = markOf(BODY, words)
  const { to, at, end } = recipientsOf(words, said)
  const bodyMark = directMark(words, at, end, said) ?? said
  const title = readTitle(words, bodyMark)
  const body = bodyMark && readBody(words, bodyMark)
  if (body || (title && !/^(?:it|this|that)$/i.test(title)))
    return { to, bare: false, refersBack: false, ...(title && { title }), ...(body && { body }) }

  const rest = words.slice(end)
  const bare = to.length > 0 ? BARE.exec(rest) : null
  const object = words.slice(0, at)
  const inQuotes = /"([^"]+)"/.exec(object)?.[1]
  if (inQuotes) return { to, body: inQuotes, bare: false, refersBack: false }
  if (REFERENCE.test(object) || REFERENCE.test(title ?? '') || /^\s*(?:it|this|that)\b/i.test(rest))
    return { to, bare: false, refersBack: true }
  return bare
    ? { to, body: rest.slice(bare[0].length).trim(), bare: true, refersBack: REFERENCE.test(rest) }
    : { to, bare: false, refersBack: false }
}

/** The first address and those listed with it; one inside the body counts only as its last words, "… to bob@x.org". */
function recipientsOf(words: string, body: Mark | undefined): Mark & { readonly to: readonly string[] } {
  const none = { to: [], at: body?.at ?? words.length, end: body?.at ?? words.length }
  const first = ADDRESS.exec(words)
  if (!first) return none
  let end = first.index + first[0].length
  if (body && first.index > body.at) {
    const trails = / to $/i.test(words.slice(0, first.index)) && /^[\s.!?]*$/.test(words.slice(end))
    return trails ? { to: [first[0]], at: first.index, end } : none
  }

  const to = [first[0]]
  for (;;) {
    const separator = /^(?:\s?[,;&]\s?(?:and )?|\s(?:and|&)\s)(?:to )?/i.exec(words.slice(end, end + 20))
    const from = end + (separator?.[0].length ?? 0)
    const next = separator && ADDRESS.exec(words.slice(from))
    if (!next || next.index !== 0) break
    to.push(next[0])
    end = from + next[0].length
  }
  return { to: [...new Set(to)].slice(0, 5), at: first.index, end }
}

function directMark(words: string, at: number, end: number, said: Mark | undefined): Mark | undefined {
  if (end === at || (said && said.at < end)) return undefined
  const rest = words.slice(end)
  const direct = AFTER_ADDRESS.exec(rest)
  if (!direct) return undefined
  const after = rest.slice(direct[0].length).trimStart()
  const named = [BODY, TITLE].some((marker) => marker.exec(after)?.index === 0) || /^says\b/i.test(after)
  return named ? undefined : { at: end, end: end + direct[0].length }
}

function readTitle(words: string, body: Mark | undefined): string | undefined {
  const before = words.slice(0, body?.at)
  const mark = markOf(TITLE, before) ?? markOf(TOPIC, before)
  if (mark) return tidy(quoted(before, mark.end) ?? before.slice(mark.end))
  const later = body && markOf(TITLE_AFTER_BODY, words.slice(body.end))
  return later && tidy(quoted(words, body.end + later.end) ?? words.slice(body.end + later.end))
}

function readBody(words: string, mark: Mark): string | undefined {
  const inQuotes = quoted(words, mark.end)
  if (inQuotes) return inQuotes
  const rest = words.slice(mark.end)
  const title = markOf(TITLE_AFTER_BODY, rest)
  const own = rest.slice(0, title?.at)
  const trailing = new RegExp(`\\sto (?:${ADDRESS.source})[\\s.!?]{0,9}$`, 'iu').exec(own)
  const text = trailing && !ADDRESS.test(words.slice(0, mark.at)) ? own.slice(0, trailing.index) : own
  return text.trim() || undefined
}

function markOf(marker: RegExp, words: string): Mark | undefined {
  const match = marker.exec(words)
  return match ? { at: match.index, end: match.index + match[0].length } : undefined
}

/** The text of the quotation that begins at a place, without its quotes. */
function quoted(words: string, from: number): string | undefined {
  const rest = words.slice(from)
  const found = /^[\s:,]{0,9}"([^"]+)"/.exec(rest) ?? /^[\s:,]{0,9}'(.+?)'(?![\p{L}\p{N}])/su.exec(rest)
  return found?.[1]?.trim()
}

function tidy(title: string): string | undefined {
  const own = title.replace(new RegExp(`\\s(?:to|for) (?:${ADDRESS.source}).*$`, 'isu'), '')
  const bare = own.replace(/[\s,;:]{0,9}(?:\b(?:and|with)\b)?[\s,;:]{0,9}$/i, '').replace(/^[\s:]{1,9}/, '')
  return bare.replace(/[.?!]$/, '').trim() || undefined
}
