import { createHash } from 'node:crypto'
import type { ConversationMessage, ToolCallPart } from '../messages/conversation.ts'
import type { ModelAnswer } from '../messages/model.ts'
import { parsedJson } from './parsed-json.ts'

/** A call that a model made, as the engine takes it. */
export interface AcceptedCall {
  id: string
  name: string
  /** The parsed object, or the raw string when it isn't one. */
  arguments: unknown
  /** Why it must not run, in words for the model; undefined when it may. */
  refusal: string | undefined
}

/** A model's answer made fit for the history. */
export interface AcceptedAnswer {
  message: ConversationMessage
  calls: AcceptedCall[]
}

/** The answer was not cut, and the model meant its calls. `function_call` is the older protocol's word. */
const COMPLETE = new Set<string | null>(['tool_calls', 'stop', 'function_call'])

/**
 * Takes a model's answer: gives every call an id that is non-empty and unique in the history, parses its arguments, and
 * tells which calls must not run. Nothing runs from an answer that was cut or stopped.
 *
 * @param options.taken ids of the calls in the history
 * @param options.seed what the ids that a server left out are made from, the same in a replay
 * @param options.maxCalls how many calls of one answer may run
 */
export function acceptAnswer(
  answer: ModelAnswer,
  { taken, seed, maxCalls }: { taken: ReadonlySet<string>; seed: string; maxCalls: number },
): AcceptedAnswer {
  const used = new Set<string>()
  const parts = answer.message.tool_calls ?? []
  const named = parts.map((part, index) => {
    const isFree = part.id !== '' && !used.has(part.id) && !taken.has(part.id)
    const id = isFree ? part.id : newCallId(`${seed}#${index}`, (made) => used.has(made) || taken.has(made))
    used.add(id)
    return { ...part, id }
  })
  const calls = acceptedCalls(named, answer.finishReason, maxCalls)
  const { tool_calls: _dropped, ...rest } = answer.message
  return { message: named.length > 0 ? { ...rest, tool_calls: named } : rest, calls }
}

/** The calls of one answer as the engine takes them: the same after a crash. */
export function acceptedCalls(
  parts: readonly ToolCallPart[],
  finishReason: string | null,
  maxCalls: number,
): AcceptedCall[] {
  const cut = refusalOf(finishReason)
  return parts.map(({ id, function: { name, arguments: raw } }, place) => {
    const refusal = cut ?? (place < maxCalls ? undefined : tooMany(maxCalls))
    return { id, name, arguments: parseArguments(raw), refusal }
  })
}

function tooMany(maxCalls: number): string {
  return `At most ${maxCalls} calls run in one answer, so this one did not. Make it again in the next, if it is still needed.`
}

/** The parsed object; a tool without parameters may be called with nothing; anything else stays as it came. */
function parseArguments(raw: string): unknown {
  if (raw.trim() === '') return {}
  const value = parsedJson(raw)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : raw
}

function refusalOf(finishReason: string | null): string | undefined {
  if (finishReason === 'length') {
    return 'The answer was cut by the token limit, so this call did not run. Make it again, with shorter arguments.'
  }
  if (!COMPLETE.has(finishReason)) {
    const how = finishReason === null ? 'without saying that it was whole' : `with "${finishReason}"`
    return `The answer ended ${how}, so this call did not run. Make it again if it is still needed.`
  }
  return undefined
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const LENGTH = 9

/** Nine characters of `[A-Za-z0-9]`: the strictest server's rule (Mistral's). */
function newCallId(seed: string, isTaken: (id: string) => boolean): string {
  for (let salt = 0; ; salt++) {
    const digest = createHash('sha256').update(`${seed}#${salt}`).digest()
    const id = Array.from(digest.subarray(0, LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('')
    if (!isTaken(id)) return id
  }
}
