import { createHash } from 'node:crypto'
import { BuslineError } from '../messages/busline-error.ts'
import type { ModelRequest } from '../messages/model.ts'

/** Which tool names a server takes. */
export interface NameRule {
  /** Fits every name that may be sent as it is, whatever its length. */
  readonly legal: RegExp
  readonly longest: number
}

/** OpenAI's rule, which every other server takes too (https://platform.openai.com/docs/api-reference/chat/create). */
export const PLAIN_NAMES: NameRule = { legal: /^[a-zA-Z0-9_-]+$/, longest: 64 }

/** The names of one request, there and back. */
export interface WireNames {
  /** The name that the server is told; the same for the same name, whatever else is on offer. */
  readonly toWire: (name: string) => string
  /** The name that was meant. What was never sent comes back as it is, one that differs in case too. */
  readonly fromWire: (name: string) => string
}

/** `_` and 51 bits of a digest: what every name ends with that was changed, and no other that is sent. */
const CHANGED = /_[0-9a-z]{10}$/
const DIGEST = 10

/** Names that were changed, by their rule: a digest costs a microsecond, and a tool is named in every call. */
const changed = new WeakMap<NameRule, Map<string, string>>()
const KEPT = 10_000
const LONGEST_KEPT = 256

/**
 * The name by which a server is told of a tool: the same where the rule allows it, else what is legal of it and a digest
 * of the whole. A pure function of the name, so that a history reads the same with every call. A legal name that looks
 * like a changed one is changed too, which leaves a collision of digests as the only one.
 */
export function wireName(name: string, rule: NameRule = PLAIN_NAMES): string {
  const isLegal = name.length <= rule.longest && rule.legal.test(name)
  if (isLegal && !CHANGED.test(name)) return name
  if (name.length > LONGEST_KEPT) return changedName(name, rule)
  let known = changed.get(rule)
  if (!known) changed.set(rule, (known = new Map()))
  const before = known.get(name)
  if (before !== undefined) return before
  const sent = changedName(name, rule)
  const [oldest] = known.keys()
  if (known.size >= KEPT && oldest !== undefined) known.delete(oldest)
  known.set(name, sent)
  return sent
}

function changedName(name: string, rule: NameRule): string {
  const bits = createHash('sha256').update(name).digest().readBigUInt64BE()
  const digest = bits.toString(36).padStart(DIGEST, '0').slice(-DIGEST)
  const plain = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, rule.longest - DIGEST - 1)
  // Gemini wants a letter or an underscore first.
  return `${/^[a-zA-Z_]/.test(plain) ? plain : `_${plain.slice(1)}`}_${digest}`
}

/**
 * The names of the tools on offer for one request, to the wire and back.
 *
 * @throws BuslineError `INVALID_TOOL` when two of them would be the same on the wire
 */
export function wireNames(offered: Iterable<string>, rule: NameRule = PLAIN_NAMES): WireNames {
  const back = new Map<string, string>()
  for (const name of offered) {
    const sent = wireName(name, rule)
    const other = back.get(sent)
    if (other !== undefined && other !== name) throw same(name, other, sent)
    back.set(sent, name)
  }
  return {
    toWire: (name) => wireName(name, rule),
    fromWire: (name) => back.get(name) ?? name,
  }
}

/**
 * The names of a request: of the tools on offer, and of the calls in its history, as a model may call again what it sees
 * there although it is no longer on offer.
 *
 * @throws BuslineError `INVALID_TOOL` when two tools on offer would be the same on the wire
 */
export function requestNames(
  { tools, messages }: Pick<ModelRequest, 'tools' | 'messages'>,
  rule: NameRule = PLAIN_NAMES,
): WireNames {
  const offered = wireNames(
    tools.map(({ name }) => name),
    rule,
  )
  let called: WireNames['fromWire'] | undefined
  return {
    toWire: offered.toWire,
    fromWire: (sent) => {
      const name = offered.fromWire(sent)
      // Only a changed name can stand for another, and most answers hold none that is not on offer.
      if (name !== sent || !CHANGED.test(sent)) return name
      called ??= namesCalled(messages, rule)
      return called(sent)
    },
  }
}

function namesCalled(messages: ModelRequest['messages'], rule: NameRule): WireNames['fromWire'] {
  const back = new Map<string, string>()
  for (const { tool_calls: calls = [] } of messages) {
    for (const { function: called } of calls) back.set(wireName(called.name, rule), called.name)
  }
  return (sent) => back.get(sent) ?? sent
}

function same(name: string, other: string, sent: string): BuslineError {
  return new BuslineError(
    'INVALID_TOOL',
    `The tools ${JSON.stringify(name)} and ${JSON.stringify(other)} would both be sent as ${sent}. Rename one of them.`,
    { data: { names: [name, other] } },
  )
}
