import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { readImageHeader } from '../messages/content-part.ts'
import { checkOptions, checkWholeNumber } from './check-option.ts'

/** A file to show a model: its path, or its bytes with a name. What it is follows from the bytes. */
export type AttachmentSource = string | { name: string; bytes: Uint8Array; mediaType?: string }

export interface AttachmentOptions {
  /** What of a text is shown, in tokens as estimated (a quarter of its bytes; default 8 000); the rest is left out with a note. */
  maxTokens?: number
  /** The largest file that is taken, in bytes (default 20 MB, OpenAI's limit for an image). */
  maxBytes?: number
  /** How closely a model looks at an image (default `auto`). */
  detail?: 'auto' | 'high' | 'low'
}

/** A content part of a message, for `attachments` of `RunTurn`. */
export type AttachmentPart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail: 'auto' | 'high' | 'low' } }

const Options = z.strictObject({
  maxTokens: z.unknown().optional(),
  maxBytes: z.unknown().optional(),
  detail: z.enum(['auto', 'high', 'low']).optional(),
})

const MAX_BYTES = 20_000_000
const BYTES_PER_TOKEN = 4
const TAKEN = 'Text files in UTF-8 and PNG, JPEG, GIF and WebP images are taken.'

/**
 * Makes a content part of a file: a text with a header that names it, or an image as a data URL.
 *
 * @throws BuslineError `INVALID_REQUEST` for what is neither a text nor an image, too large, or no file; `FILE_FAILED` for one that
 * can't be read; `INVALID_OPTION`
 */
export async function attachment(
  source: AttachmentSource,
  options: AttachmentOptions = {},
): Promise<AttachmentPart> {
  checkOptions('attachment', Options, options)
  const { maxTokens = 8000, maxBytes = MAX_BYTES, detail = 'auto' } = options
  checkWholeNumber('attachment.maxTokens', maxTokens, 1)
  checkWholeNumber('attachment.maxBytes', maxBytes, 1)
  const name = shownName(typeof source === 'string' ? basename(source) : source.name)
  const bytes = typeof source === 'string' ? await readUpTo(source, name, maxBytes) : source.bytes
  if (bytes.length > maxBytes) throw refused(name, `is larger than ${maxBytes} bytes`)

  const image = readImageHeader(bytes)
  if (image) {
    const url = `data:${image.mediaType};base64,${Buffer.from(bytes).toString('base64')}`
    return { type: 'image_url', image_url: { url, detail } }
  }
  const text = decode(bytes)
  if (text === undefined) throw refused(name, `is neither. ${TAKEN}`)
  return { type: 'text', text: `File ${JSON.stringify(name)}:\n${cut(text, maxTokens)}` }
}

/** One byte more than is taken, so that a larger file is never held whole. */
async function readUpTo(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  try {
    // Without waiting, which is what opening a pipe that nobody writes to does.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const found = await file.stat()
    if (!found.isFile()) throw refused(name, 'is no regular file')
    if (found.size > maxBytes) throw refused(name, `has ${found.size} bytes; at most ${maxBytes} are taken`)
    const chunks: Buffer[] = []
    // The place of the last byte that is read: one more than is taken, for files that grow, and those that tell no size.
    for await (const chunk of file.createReadStream({ end: maxBytes, autoClose: false })) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch (cause) {
    if (cause instanceof BuslineError) throw cause
    throw new BuslineError('FILE_FAILED', `The attachment ${JSON.stringify(name)} can't be read.`, {
      cause,
      data: { name },
    })
  }
}

/** The text, or undefined for bytes that are none: not UTF-8, or with NUL in it. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function cut(text: string, maxTokens: number): string {
  const bytes = Buffer.from(text)
  const limit = maxTokens * BYTES_PER_TOKEN
  if (bytes.length <= limit) return text
  // Back to where a character begins.
  let end = limit
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return `${bytes.toString('utf8', 0, end)}\n[Cut: ${bytes.length - end} of ${bytes.length} bytes left out.]`
}

/** A name comes from outside: no path, no line of its own, nothing that moves a cursor or turns text round. */
function shownName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const plain = last.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim()
  return Array.from(plain).slice(0, 120).join('') || 'unnamed'
}

function refused(name: string, why: string): BuslineError {
  return new BuslineError(
    'INVALID_REQUEST',
    `The attachment ${JSON.stringify(name)} ${why}.`.replace('..', '.'),
    {
      data: { field: 'attachments', name },
    },
  )
}
