import type { ToolCallPart } from '../messages/conversation.ts'
import { isRecord, textIn } from './is-record.ts'

interface OpenCall {
  id: string
  name: string
  arguments: string
  /** The last piece of the arguments that wasn't empty. */
  lastPiece: string
  /** Whether an index of the server's stands for it. */
  isIndexed: boolean
  /** Gemini's thought signature, which it wants back with the call. */
  extra: unknown
}

interface Piece {
  index: number | undefined
  id: string
  name: string
  arguments: string
  extra: unknown
}

type OnNamed = (call: string, name: string) => void

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

  /**
   * Adds the calls of one delta; `onNamed` hears of each call once, when its name is known. Returns whether there was
   * any piece of a call in it.
   */
  add(source: Record<string, unknown>, onNamed: OnNamed): boolean {
    const pieces = source['tool_calls']
    const legacy = source['function_call']
    const hasPieces = Array.isArray(pieces) && pieces.length > 0
    if (hasPieces) {
      // The calls that this list has named so far: it does not name one twice.
      const named = new Set<OpenCall>()
      for (const part of pieces) {
        const piece = pieceIn(part)
        if (piece) this.#join(piece, this.#callOf(piece, named) ?? this.#open(), named, onNamed)
      }
    }
    // Servers that send both forms mean one call.
    if (!isRecord(legacy) || (this.#calls.length > 0 && !this.#byIndex.has(LEGACY))) return hasPieces
    const piece = pieceIn({ index: LEGACY, function: legacy })
    if (piece) this.#join(piece, this.#byIndex.get(LEGACY) ?? this.#open(), new Set(), onNamed)
    return true
  }

  /** Adds the calls of a message, each of them whole, whatever index and id they share. */
  addWhole(message: Record<string, unknown>, onNamed: OnNamed): boolean {
    const calls = message['tool_calls']
    if (!Array.isArray(calls) || calls.length === 0) return this.add(message, onNamed)
    for (const call of calls) {
      const piece = pieceIn(call)
      if (piece) this.#join({ ...piece, index: undefined }, this.#open(), new Set(), onNamed)
    }
    return true
  }

  /**
   * The calls in the order of their appearance, `arguments` as received, an id that never came empty. Of a `{}` before
   * the real arguments nothing stays, nor of a call that has neither id nor name nor arguments.
   */
  calls(): ToolCallPart[] {
    return this.#calls
      .filter((call) => call.id !== '' || call.name !== '' || call.arguments.trim() !== '')
      .map(({ id, name, arguments: text, extra }) => ({
        id,
        type: 'function',
        function: { name, arguments: withoutPlaceholder(text) },
        ...(extra !== undefined && { extra_content: extra }),
      }))
  }

  #join(piece: Piece, call: OpenCall, named: Set<OpenCall>, onNamed: OnNamed): void {
    const { index, id, name, arguments: text, extra } = piece
    if (index !== undefined) {
      call.isIndexed = true
      this.#byIndex.set(index, call)
    }
    if (call.id === '' && id !== '') call.id = id
    if (id !== '') this.#byId.set(id, call)
    if (name !== '') named.add(call)
    if (call.name === '' && name !== '') {
      call.name = name
      onNamed(call.id, name)
    }
    call.arguments += text
    if (text !== '') call.lastPiece = text
    call.extra = extra ?? call.extra
  }

  #callOf(piece: Piece, named: ReadonlySet<OpenCall>): OpenCall | undefined {
    const { index, id, name } = piece
    if (index !== undefined) {
      const open = this.#byIndex.get(index) ?? this.#unindexed(piece)
      return open && isAnother(piece, open, named) ? undefined : open
    }
    const known = id === '' ? undefined : this.#byId.get(id)
    if (known) return isAnother(piece, known, named) ? undefined : known
    const last = this.#calls.at(-1)
    if (name === '' || last?.name === '') return last
    // Whole calls without index or id, as Gemini has sent them, follow one another.
    return id === '' && last && !isComplete(last) ? last : undefined
  }

  /** The call that began without the index that its pieces have now. */
  #unindexed({ id, name }: Piece): OpenCall | undefined {
    const call = id !== '' ? this.#byId.get(id) : name === '' ? this.#calls.at(-1) : undefined
    return call && !call.isIndexed ? call : undefined
  }

  #open(): OpenCall {
    const call: OpenCall = {
      id: '',
      name: '',
      arguments: '',
      lastPiece: '',
      isIndexed: false,
      extra: undefined,
    }
    this.#calls.push(call)
    return call
  }
}

/**
 * Whether a piece that lands on an open call begins another: it has an id of its own, or what it brings can't go on with
 * what is there (whole calls that share an index or an id).
 */
function isAnother(piece: Piece, open: OpenCall, named: ReadonlySet<OpenCall>): boolean {
  if (piece.name === '' || open.name === '') return false
  const hasNewId = piece.id !== '' && open.id !== '' && piece.id !== open.id
  const isOther = piece.name !== open.name
  if (hasNewId) return isComplete(open) || (isOther && open.arguments.trim() === '')
  return (isOther || named.has(open)) && piece.arguments.trimStart().startsWith('{') && isComplete(open)
}

function pieceIn(part: unknown): Piece | undefined {
  if (!isRecord(part)) return undefined
  const about = isRecord(part['function']) ? part['function'] : undefined
  return {
    index: typeof part['index'] === 'number' ? part['index'] : undefined,
    id: textIn(part['id']) ?? '',
    name: textIn(about?.['name']) ?? '',
    arguments: argumentsOf(about?.['arguments']),
    extra: part['extra_content'] ?? undefined,
  }
}

function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

/** Gateways to Anthropic begin a call with its empty input, `{}`, before the pieces of the real one. */
function withoutPlaceholder(text: string): string {
  return text.startsWith('{}') ? text.replace(/^\{\}\s*(?=\{)/, '') : text
}

function isComplete(call: OpenCall): boolean {
  // The look at the last piece first: looking at a long string that still grows costs its whole length.
  if (!/[}\]"]\s*$/.test(call.lastPiece)) return false
  try {
    JSON.parse(withoutPlaceholder(call.arguments))
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
