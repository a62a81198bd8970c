import { isRecord, textIn } from './is-record.ts'

/** A message's reasoning, under the names that servers give it; `thinking` is Mistral's, out of its content parts. */
export interface ReasoningFields {
  reasoning_content?: string
  reasoning?: string
  thinking?: string
  reasoning_details?: Record<string, unknown>[]
}

/** Collects reasoning under each name that it comes under, so that it can go back under the same. */
export class ReasoningAssembly {
  #content = ''
  #reasoning = ''
  #thinking = ''
  #details: Record<string, unknown>[] = []

  /** Adds what one delta or message holds, and returns its text: a server that sends it twice is heard once. */
  add(source: Record<string, unknown>): string {
    const content = textIn(source['reasoning_content']) ?? ''
    const reasoning = textIn(source['reasoning']) ?? ''
    const parts = source['content']
    const thinking = Array.isArray(parts) ? parts.map(thinkingIn).join('') : ''
    const details = source['reasoning_details']
    this.#content += content
    this.#reasoning += reasoning
    this.#thinking += thinking
    if (!Array.isArray(details)) return content || reasoning || thinking

    const known = details.filter(isRecord)
    // Of several in one chunk, only the first can go on with what was before: a whole list stays as it is.
    known.forEach((detail, place) => {
      if (place > 0 || !this.#continueDetail(detail)) this.#details.push({ ...detail })
    })
    return content || reasoning || thinking || known.map((detail) => textOfDetail(detail)).join('')
  }

  /** Adds reasoning that stood in the text, between tags: it is kept like `reasoning_content`. */
  addThought(text: string): void {
    this.#content += text
  }

  fields(): ReasoningFields {
    const fields: ReasoningFields = {}
    if (this.#content) fields.reasoning_content = this.#content
    if (this.#reasoning) fields.reasoning = this.#reasoning
    if (this.#thinking) fields.thinking = this.#thinking
    if (this.#details.length > 0) fields.reasoning_details = this.#details
    return fields
  }

  /** Pieces of one detail have its index and type; the signature comes with the last. */
  #continueDetail(piece: Record<string, unknown>): boolean {
    const last = this.#details.at(-1)
    const { index, type } = piece
    if (!last || index === undefined || last['index'] !== index || last['type'] !== type) return false
    for (const [key, value] of Object.entries(piece)) {
      const before = last[key]
      const joins = JOINED.has(key) && typeof before === 'string' && typeof value === 'string'
      if (joins) last[key] = before + value
      else if (value !== null && value !== '') last[key] = value
    }
    return true
  }
}

const JOINED = new Set(['text', 'summary', 'data'])

function textOfDetail(detail: Record<string, unknown>): string {
  return textIn(detail['text']) ?? textIn(detail['summary']) ?? ''
}

function thinkingIn(part: unknown): string {
  if (!isRecord(part) || part['type'] !== 'thinking') return ''
  const thinking = part['thinking']
  if (!Array.isArray(thinking)) return textIn(thinking) ?? ''
  return thinking.map((inner) => (isRecord(inner) ? (textIn(inner['text']) ?? '') : '')).join('')
}
