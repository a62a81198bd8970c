import type { ToolCallPart } from '../messages/conversation.ts'
import { isRecord, textIn } from './is-record.ts'

interface OpenCall {
  id: string
  name: string
  arguments: string
  /** The last piece of the arguments that wasn't empty. */
  lastPiece: string
  /** Gemini's thought signature, which it wants back with the call. */
  extra: unknown
}

/** The index of the one call that the deprecated `function_call` makes. */
const LEGACY = -1

/**
 * Puts tool calls together from their pieces. Pieces belong together by index; a new id at a used index opens a
 * new call only if the piece names a function and the open call's arguments are complete. Without an index they
 * belong together by id, else to the last call. The first id and name that aren't empty count.
 */
export class ToolCallAssembly {
  #calls: OpenCall[] = []
  #byIndex = new Map<number, OpenCall>()
  #byId = new Map<string, OpenCall>()

  /** Adds the calls of one delta or message; `onNamed` hears of each call once, when its name is known. */
  add(source: Record<string, unknown>, onNamed: (call: string, name: string) => void): void {
    const pieces = source['tool_calls']
    if (Array.isArray(pieces)) for (const piece of pieces) this.#addPiece(piece, onNamed)
    // Servers that send both forms mean one call.
    const legacy = source['function_call']
    if (isRecord(legacy) && (this.#calls.length === 0 || this.#byIndex.has(LEGACY))) {
      this.#addPiece({ index: LEGACY, function: legacy }, onNamed)
    }
  }

  /** The calls in the order of their appearance, `arguments` as received, an id that never came empty. */
  calls(): ToolCallPart[] {
    return this.#calls.map(({ id, name, arguments: text, extra }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
      ...(extra !== undefined && { extra_content: extra }),
    }))
  }

  #addPiece(piece: unknown, onNamed: (call: string, name: string) => void): void {
    if (!isRecord(piece)) return
    const about = isRecord(piece['function']) ? piece['function'] : {}
    const index = typeof piece['index'] === 'number' ? piece['index'] : undefined
    const id = textIn(piece['id']) ?? ''
    const name = textIn(about['name']) ?? ''

    const call = this.#callOf(index, id, name) ?? this.#open()
    if (index !== undefined) this.#byIndex.set(index, call)
    if (call.id === '' && id !== '') call.id = id
    if (id !== '') this.#byId.set(id, call)
    if (call.name === '' && name !== '') {
      call.name = name
      onNamed(call.id, name)
    }
    const text = argumentsOf(about['arguments'])
    call.arguments += text
    if (text !== '') call.lastPiece = text
    call.extra = piece['extra_content'] ?? call.extra
  }

  #callOf(index: number | undefined, id: string, name: string): OpenCall | undefined {
    if (index !== undefined) {
      const open = this.#byIndex.get(index)
      const isAnother = open && id !== '' && open.id !== '' && id !== open.id && name !== ''
      return isAnother && isComplete(open) ? undefined : open
    }
    const known = id === '' ? undefined : this.#byId.get(id)
    if (known) return known
    const last = this.#calls.at(-1)
    if (name === '' || last?.name === '') return last
    // Whole calls without index or id, as Gemini has sent them, follow one another.
    return id === '' && last && !isComplete(last) ? last : undefined
  }

  #open(): OpenCall {
    const call: OpenCall = { id: '', name: '', arguments: '', lastPiece: '', extra: undefined }
    this.#calls.push(call)
    return call
  }
}

function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

function isComplete(call: OpenCall): boolean {
  // The look at the last piece first: looking at a long string that still grows costs its whole length.
  if (!/[}\]"]\s*$/.test(call.lastPiece)) return false
  try {
    JSON.parse(call.arguments)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
