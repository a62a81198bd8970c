import { BuslineError, textOf, type ModelAnswer } from 'busline'
import { expect } from 'vitest'
import { readAnswer } from '../../../src/providers/read-answer.ts'
import { delta } from '../fixtures/chat-server.ts'
import { answerIn, randomCuts, seeded } from '../fixtures/random-cuts.ts'

/*
 * Streams that nobody recorded: each is made here, after what the list of hostile kinds says that servers do.
 */

/** What is read of an answer; calls as `id name arguments`, `-` for an id or a name that never came. */
export interface Reading {
  text: string
  reasoning: string
  calls: string[]
  finishReason: string | null
  /** What was heard while it arrived. */
  heard: string[]
  answer: ModelAnswer
}

/** Events of these chunks, without the end. */
export function events(...chunks: unknown[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')
}

/** A whole stream of these chunks. */
export function stream(...chunks: unknown[]): string {
  return `${events(...chunks)}data: [DONE]\n\n`
}

/** A whole stream of these lists of pieces of tool calls, one chunk each, that ends with `tool_calls`. */
export function callStream(...lists: unknown[]): string {
  return stream(...lists.map((pieces) => delta({ tool_calls: pieces })), delta({}, 'tool_calls'))
}

/** A piece of a call. */
export function piece(fields: {
  index?: unknown
  id?: unknown
  type?: unknown
  name?: unknown
  arguments?: unknown
}): unknown {
  const { name, arguments: args, ...rest } = fields
  const about = { ...('name' in fields && { name }), ...('arguments' in fields && { arguments: args }) }
  return { ...rest, function: about }
}

const random = seeded(Number(process.env['SEED'] ?? 7))

/** Reads an answer whole, byte by byte and cut at random places, which must all give the same. */
export async function read(
  answer: string | Uint8Array,
  options: { type?: string; thinkTags?: boolean; headers?: Record<string, string> } = {},
): Promise<Reading> {
  const bytes = Buffer.from(answer)
  const whole = await readOnce([bytes], options)
  const others = [
    [...bytes].map((byte) => Uint8Array.of(byte)),
    randomCuts(bytes, 5, random),
    randomCuts(bytes, 20, random),
  ]
  for (const pieces of others) {
    const again = await readOnce(pieces, options)
    expect({ ...again, heard: again.heard.length > 0 }).toEqual({ ...whole, heard: whole.heard.length > 0 })
  }
  return whole
}

/** The coded error that an answer is, the same wherever it is cut. */
export async function failure(
  answer: string | Uint8Array,
  options: { type?: string } = {},
): Promise<BuslineError> {
  const bytes = Buffer.from(answer)
  let first: BuslineError | undefined
  for (const pieces of [[bytes], randomCuts(bytes, 5, random), randomCuts(bytes, 20, random)]) {
    const outcome = await readOnce(pieces, options).catch((error: unknown) => error)
    if (!(outcome instanceof BuslineError)) throw new Error(`no error: ${JSON.stringify(outcome)}`)
    first ??= outcome
    expect(outcome.code).toBe(first.code)
    expect(outcome.data).toEqual(first.data)
  }
  if (!first) throw new Error('nothing was read')
  return first
}

async function readOnce(
  pieces: readonly Uint8Array[],
  { type, thinkTags, headers = {} }: { type?: string; thinkTags?: boolean; headers?: Record<string, string> },
): Promise<Reading> {
  const heard: string[] = []
  const listener = {
    text: (text: string) => void heard.push(`text ${text}`),
    reasoning: (text: string) => void heard.push(`reasoning ${text}`),
    toolCall: (call: string, name: string) => void heard.push(`call ${call || '-'} ${name}`),
  }
  const raw = answerIn(pieces, type)
  const told = new Headers({ 'content-type': type ?? 'text/event-stream', ...headers })
  const answer = await readAnswer({ ...raw, headers: told }, listener, 'https://host.test/v1', { thinkTags })
  const { message, finishReason } = answer
  const reasoning = message['reasoning_content'] ?? message['reasoning'] ?? message['thinking'] ?? ''
  return {
    text: textOf(message),
    reasoning: typeof reasoning === 'string' ? reasoning : '',
    calls: (message.tool_calls ?? []).map(
      ({ id, function: { name, arguments: args } }) => `${id || '-'} ${name || '-'} ${args}`,
    ),
    finishReason,
    heard,
    answer,
  }
}
