import type { ConversationMessage } from './conversation.ts'

/** A picture's kind and its size in pixels, read from its first bytes. */
export interface ImageHeader {
  mediaType: 'image/gif' | 'image/jpeg' | 'image/png' | 'image/webp'
  width: number
  height: number
}

/** An image of a message: its size where it is known (a data URL), and the detail asked for. */
export interface ImagePart {
  width: number | undefined
  height: number | undefined
  detail: 'auto' | 'high' | 'low'
}

/** How much of a base64 text is decoded to find a size: JPEGs may hold much before it. */
const HEAD_CHARS = 1 << 20

/** The images among the parts of a message, in the OpenAI chat format. */
export function imagesOf(message: ConversationMessage): ImagePart[] {
  if (!Array.isArray(message.content)) return []
  return message.content.flatMap((part) => {
    const image = part['image_url']
    if (part.type !== 'image_url') return []
    const url = typeof image === 'string' ? image : fieldOf(image, 'url')
    const detail = fieldOf(image, 'detail')
    const header = typeof url === 'string' ? headerOfDataUrl(url) : undefined
    return [
      {
        width: header?.width,
        height: header?.height,
        detail: detail === 'low' || detail === 'high' ? detail : ('auto' as const),
      },
    ]
  })
}

/**
 * Reads what a picture is from its bytes, never from its name: PNG, JPEG, GIF, WebP; undefined for anything else, and for
 * one whose header is cut off.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) && bytes.length >= 24) {
    return { mediaType: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (startsWith(bytes, [0x47, 0x49, 0x46, 0x38]) && bytes.length >= 10) {
    return { mediaType: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return readJpeg(view)
  if (textAt(bytes, 0) === 'RIFF' && textAt(bytes, 8) === 'WEBP' && bytes.length >= 30)
    return readWebp(bytes, view)
  return undefined
}

/** Walks the segments to the frame header (ITU T.81, table B.1: SOF0 to SOF15 without DHT, JPG and DAC). */
function readJpeg(view: DataView): ImageHeader | undefined {
  for (let at = 2; at + 9 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { mediaType: 'image/jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    }
    // Fill bytes may stand before a marker; a length below 2 would go round for ever.
    if (marker === 0xff) at++
    else at += 2 + Math.max(2, view.getUint16(at + 2))
  }
  return undefined
}

/** The three kinds of https://developers.google.com/speed/webp/docs/riff_container. */
function readWebp(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  const kind = textAt(bytes, 12)
  const mediaType = 'image/webp'
  if (kind === 'VP8 ') {
    return { mediaType, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true)
    return { mediaType, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (kind !== 'VP8X') return undefined
  const three = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16) + 1
  return { mediaType, width: three(24), height: three(27) }
}

function headerOfDataUrl(url: string): ImageHeader | undefined {
  const [head = ''] = url.slice(0, 200).split(',', 1)
  if (!head.startsWith('data:') || !head.endsWith(';base64')) return undefined
  const from = head.length + 1
  return readImageHeader(Buffer.from(url.slice(from, from + HEAD_CHARS), 'base64'))
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, place) => bytes[place] === byte)
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
