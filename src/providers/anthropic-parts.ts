import { BuslineError } from '../messages/busline-error.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { isRecord, textIn } from './is-record.ts'

/** A content block of Anthropic's Messages API. */
export type Block = Record<string, unknown>

/**
 * A message's content as Anthropic's blocks. Text without a visible character is left out, because the API refuses it.
 * Images and files go by data URL, by http(s) URL, or (files) by the id of an uploaded one; PDF and plain text are
 * documents. Blocks that have Anthropic's shape already pass as they are.
 *
 * @throws BuslineError `INVALID_REQUEST` for a part that the protocol has no block for (audio, other kinds of files)
 */
export function blocksOf(content: ConversationMessage['content']): Block[] {
  if (typeof content === 'string') return textBlocks(content)
  return (content ?? []).flatMap(blocksOfPart)
}

/** The text as a block, or nothing where it has no visible character. */
export function textBlocks(text: string): Block[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

function blocksOfPart(part: Block): Block[] {
  const { type } = part
  if (type === 'text') return textBlocks(textIn(part['text']) ?? '')
  if (type === 'refusal') return textBlocks(textIn(part['refusal']) ?? '')
  // Reasoning that another server put into the content: no signature, so Anthropic would refuse it.
  if (type === 'thinking') return []
  if (isRecord(part['source']) || type === 'search_result') return [part]
  if (type === 'image_url') return [imageOf(part['image_url'])]
  if (type === 'file') return [documentOf(part['file'])]
  throw noBlockFor(`parts of the type ${JSON.stringify(type)}`, 'text, image_url or file')
}

function imageOf(image: unknown): Block {
  const url = typeof image === 'string' ? image : isRecord(image) ? textIn(image['url']) : undefined
  const data = dataOf(url)
  if (data?.mediaType.startsWith('image/')) {
    return { type: 'image', source: { type: 'base64', media_type: data.mediaType, data: data.base64 } }
  }
  if (isWeb(url)) return { type: 'image', source: { type: 'url', url } }
  throw noBlockFor('images that are neither a data: URL of an image nor an http(s) URL', 'one of these')
}

function documentOf(file: unknown): Block {
  const { file_data: given, file_url: at, file_id: id, filename } = isRecord(file) ? file : {}
  const title = textIn(filename) === undefined ? {} : { title: filename }
  if (textIn(id) !== undefined) return { type: 'document', source: { type: 'file', file_id: id }, ...title }
  if (isWeb(at)) return { type: 'document', source: { type: 'url', url: at }, ...title }
  const data = dataOf(given)
  if (data?.mediaType === 'application/pdf') {
    const source = { type: 'base64', media_type: data.mediaType, data: data.base64 }
    return { type: 'document', source, ...title }
  }
  if (data?.mediaType.startsWith('image/')) return imageOf(given)
  if (data?.mediaType.startsWith('text/') || data?.mediaType === 'application/json') {
    const text = Buffer.from(data.base64, 'base64').toString('utf8')
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title }
  }
  throw noBlockFor(`files of the type ${data?.mediaType ?? 'unknown'}`, 'PDF, text or images as data: URLs')
}

/** A data URL in its parts; one that is not base64 is turned into it. */
function dataOf(url: unknown): { mediaType: string; base64: string } | undefined {
  if (typeof url !== 'string' || !url.startsWith('data:')) return undefined
  // Not a regular expression over the whole: a picture has megabytes.
  const comma = url.indexOf(',')
  const head = url.slice('data:'.length, comma).toLowerCase()
  if (comma === -1) return undefined
  const rest = url.slice(comma + 1)
  const base64 = head.endsWith(';base64') ? rest : Buffer.from(decodeURIComponent(rest)).toString('base64')
  return { mediaType: head.split(';')[0] || 'text/plain', base64 }
}

function isWeb(url: unknown): url is string {
  return typeof url === 'string' && /^https?:\/\//i.test(url)
}

function noBlockFor(what: string, instead: string): BuslineError {
  return new BuslineError(
    'INVALID_REQUEST',
    `Anthropic's Messages API has no content block for ${what}. Send ${instead}, or ask another provider.`,
  )
}
