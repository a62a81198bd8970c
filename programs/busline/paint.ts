import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours a text where colours are wanted. */
export type Paint = (style: Style, text: string) => string

/** For a terminal that wants colours or not; `styleText` would ask the stream itself, which knows nothing of FORCE_COLOR. */
export function painter(color: boolean): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}

/** The style of an outcome: green, red, or yellow for what neither went well nor failed. */
export function statusStyle(status: string): Style {
  if (status === 'ok') return 'green'
  return status === 'error' || status === 'damaged' ? 'red' : 'yellow'
}
