import type { Redactor } from './redactor.ts'

/** A line from its beginning, without what comes last, and the JSON of that; nothing for none. */
export function lineOf(begin: string, field: string, json: string | undefined): string {
  return json === undefined ? `${begin}}` : `${begin},"${field}":${json}}`
}

/** Milliseconds with up to three decimals; 0 from a clock that tells no number, because JSON has none either. */
export function round(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : 0
}

/** The ids of an envelope, as they stand after a line's own id. */
export function idsOf(
  of: {
    session: string | undefined
    turn: string | undefined
    cause: string | undefined
    root: string
  },
  redactor: Redactor,
): string {
  const session = of.session === undefined ? '' : `,"session":${textOf(of.session, redactor)}`
  const turn = of.turn === undefined ? '' : `,"turn":${textOf(of.turn, redactor)}`
  const cause = of.cause === undefined ? '' : `,"cause":"${of.cause}"`
  return `${session}${turn}${cause},"root":"${of.root}"`
}

/** Who did it, in a line's envelope; nothing for nobody. */
export function byOf(name: string | undefined, redactor: Redactor): string {
  return name ? `,"by":${textOf(name, redactor)}` : ''
}

/** Users choose sessions, turns and names, so a secret may stand in them. */
function textOf(text: string, redactor: Redactor): string {
  return JSON.stringify(redactor.text(text))
}
