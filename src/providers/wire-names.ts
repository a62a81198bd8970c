import { createHash } from 'node:crypto'
import { BuslineError } from '../messages/busline-error.ts'

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

/**
 * The name by which a server is told of a tool: the same where the rule allows it, else what is legal of it and a digest
 * of the whole. A pure function of the name, so that a history reads the same with every call. A legal name that looks
 * like a changed one is changed too, which leaves a collision of digests as the only one.
 */
export function wireName(name: string, rule: NameRule = PLAIN_NAMES): string {
  const isLegal = name.length <= rule.longest && rule.legal.test(name)
  if (isLegal && !CHANGED.test(name)) return name
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

function same(name: string, other: string, sent: string): BuslineError {
  return new BuslineError(
    'INVALID_TOOL',
    `The tools ${JSON.stringify(name)} and ${JSON.stringify(other)} would both be sent as ${sent}. Rename one of them.`,
    { data: { names: [name, other] } },
  )
}
