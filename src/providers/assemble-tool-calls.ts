import type { ToolCallPart } from '../messages/conversation.ts'
import { isRecord } from './is-record.ts'
import {
  begins,
  hasNewId,
  isAnother,
  isComplete,
  isNamedTwice,
  pieceIn,
  withoutPlaceholder,
  type OpenCall,
  type Piece,
} from './tool-call-piece.ts'

type OnNamed = (call: string, name: string) => void

/** The index of the one call that the deprecated `function_call` makes. */
const LEGACY = -1

/**
 * Puts tool calls together from their pieces. Pieces belong together by index, which may be a number in a string; without
 * one by id, else to the last call. Servers repeat names and make up an id for each piece, so neither opens a call by
 * itself: what the open call has must be complete, and the piece must bring arguments of its own or name another function.
 * The first id and name that aren't empty count.
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
        if (piece) this.#take(piece, named, onNamed)
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

  #take(piece: Piece, named: Set<OpenCall>, onNamed: OnNamed): void {
    const call = this.#callOf(piece, named)
    if (!call) return this.#join(piece, this.#open(), named, onNamed)
    if (call.nextId !== '' && begins(piece) && isComplete(call)) {
      const { nextId, name } = call
      call.nextId = ''
      return this.#join({ ...piece, id: piece.id || nextId, name }, this.#open(), named, onNamed)
    }
    const isRepeated = hasNewId(piece, call) && piece.name === call.name && piece.arguments === ''
    if (isRepeated && isComplete(call)) call.nextId = piece.id
    this.#join(piece, call, named, onNamed)
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
    if (!last || name === '' || last.name === '') return last
    if (name !== last.name) {
      // Whole calls without index or id, as Gemini has sent them, follow one another.
      return id === '' && last.arguments.trim() !== '' && !isComplete(last) ? last : undefined
    }
    if (id !== '' && isNamedTwice(last, named)) return undefined
    return begins(piece) && isComplete(last) ? undefined : last
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
      nextId: '',
      extra: undefined,
    }
    this.#calls.push(call)
    return call
  }
}
