import { toUSVString } from 'node:util'
import type { Attributes } from './finished-span.ts'

/**
 * Attributes without halves of characters (lone surrogates), which a model or a cut may leave: in protobuf they are no UTF-8, and
 * a server refuses the whole request.
 */
export function wellFormed(attributes: Attributes): Attributes {
  const whole: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') whole[toUSVString(name)] = toUSVString(value)
    else whole[toUSVString(name)] = Array.isArray(value) ? value.map((one) => toUSVString(one)) : value
  }
  return whole
}
