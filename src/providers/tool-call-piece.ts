import { isRecord, textIn } from './is-record.ts'

/** A tool call while it arrives. */
export interface OpenCall {
  id: string
  name: string
  arguments: string
  /** The last piece of the arguments that wasn't empty. */
  lastPiece: string
  /** Whether an index of the server's stands for it. */
  isIndexed: boolean
  /** The id of a piece that named the function again and brought nothing: that of another call if arguments follow. */
  nextId: string
  /** Gemini's thought signature, which it wants back with the call. */
  extra: unknown
}

/** What one part of a delta's `tool_calls` brings; empty where it brings nothing. */
export interface Piece {
  index: number | undefined
  id: string
  name: string
  arguments: string
  extra: unknown
}

/**
 * Whether a piece that lands on an open call begins another: it has an id of its own, or what it brings can't go on with
 * what is there (whole calls that share an index or an id).
 */
export function isAnother(piece: Piece, open: OpenCall, named: ReadonlySet<OpenCall>): boolean {
  if (piece.name === '' || open.name === '') return false
  const isOther = piece.name !== open.name
  if (!hasNewId(piece, open)) return (isOther || named.has(open)) && begins(piece) && isComplete(open)
  if (isOther) return isComplete(open) || open.arguments.trim() === ''
  return isNamedTwice(open, named) || (begins(piece) && isComplete(open))
}

/** Whether a piece has another id than the call that it lands on. */
export function hasNewId(piece: Piece, open: OpenCall): boolean {
  return piece.id !== '' && open.id !== '' && piece.id !== open.id
}

/** Whether a piece brings the beginning of arguments: an object, or one that is in quotes. */
export function begins(piece: Piece): boolean {
  return /^\s*["{]/.test(piece.arguments)
}

/** Whether the same list has named a call before, which then lacks nothing: another id is another call there. */
export function isNamedTwice(open: OpenCall, named: ReadonlySet<OpenCall>): boolean {
  return named.has(open) && (open.arguments.trim() === '' || isComplete(open))
}

/** Reads a part field by field; undefined for what is no object. */
export function pieceIn(part: unknown): Piece | undefined {
  if (!isRecord(part)) return undefined
  const about = isRecord(part['function']) ? part['function'] : undefined
  return {
    index: indexOf(part['index']),
    id: textIn(part['id']) ?? '',
    name: textIn(about?.['name']) ?? '',
    arguments: argumentsOf(about?.['arguments']),
    extra: part['extra_content'] ?? undefined,
  }
}

function indexOf(value: unknown): number | undefined {
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value)
  return typeof value === 'number' ? value : undefined
}

function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

/** Gateways to Anthropic begin a call with its empty input, `{}`, before the pieces of the real one. */
export function withoutPlaceholder(text: string): string {
  return text.startsWith('{}') ? text.replace(/^\{\}\s*(?=\{)/, '') : text
}

/** Whether the arguments of a call are JSON as they are. */
export function isComplete(call: OpenCall): boolean {
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
