import * as fc from 'fast-check'

/** One thing that a program does. The numbers choose, modulo what there is to choose from. */
export interface Act {
  readonly do: (typeof DEEDS)[number]
  /** On the bus (0), or on which of the open sessions. */
  readonly at: number
  /** Which message, registration, session, or signal. */
  readonly what: number
  readonly script: number
  readonly how: number
}

/** What a handler or subscriber does with one message. */
export interface Script {
  /** Goes on asynchronously: awaits its pauses and what it sends. */
  readonly slow: boolean
  readonly steps: readonly Act[]
  readonly end: 'returns' | 'throws' | 'returns wrong' | 'hangs' | 'waits for abort'
}

const SENDS = ['execute', 'execute', 'execute', 'publish', 'publish', 'publish'] as const
const DEEDS = [
  ...SENDS,
  ...(['handle', 'handle', 'on', 'on', 'on', 'use'] as const),
  ...(['open', 'dispose', 'leave', 'leave', 'abort'] as const),
  ...(['stop', 'pause', 'pause', 'sleep'] as const),
] as const
const ENDS = ['returns', 'returns', 'returns', 'returns', 'throws', 'returns wrong'] as const

const small = fc.nat(7)
const act = (deeds: readonly Act['do'][]): fc.Arbitrary<Act> =>
  fc.record({ do: fc.constantFrom(...deeds), at: small, what: small, script: small, how: small })

/** How a program begins: without handlers and subscribers there would be little to see. */
export const beginnings = fc.array(act(['handle', 'handle', 'on', 'on', 'open', 'use']), {
  minLength: 4,
  maxLength: 9,
})

/** What happens from outside; of this a program is made. */
export const deed = act([...DEEDS, ...SENDS])

export const scripts = fc.array(
  fc.record({
    slow: fc.boolean(),
    steps: fc.array(act([...DEEDS, ...SENDS, 'pause', 'pause']), { maxLength: 3, size: 'max' }),
    end: fc.oneof(
      { weight: 15, arbitrary: fc.constantFrom(...ENDS) },
      fc.constantFrom('hangs', 'waits for abort'),
    ),
  }),
  { minLength: 2, maxLength: 5, size: 'max' },
)
