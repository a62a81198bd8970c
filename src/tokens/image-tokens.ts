import type { ImagePart } from '../messages/content-part.ts'

/** How a family of models charges for images: by tiles of 512 pixels, or by patches of 32. */
type Rule = { base: number; tile: number } | { patch: number }

/** https://platform.openai.com/docs/guides/images-vision#calculating-costs, as of 2025-08. The first that fits counts. */
const RULES: readonly [RegExp, Rule][] = [
  [/gpt-4\.1-mini|gpt-5-mini/, { patch: 1.62 }],
  [/gpt-4\.1-nano|gpt-5-nano/, { patch: 2.46 }],
  [/o4-mini/, { patch: 1.72 }],
  [/gpt-4o-mini/, { base: 2833, tile: 5667 }],
  [/gpt-5/, { base: 70, tile: 140 }],
  [/^o[13]\b/, { base: 75, tile: 150 }],
]
const USUAL: Rule = { base: 85, tile: 170 }
const MOST_PATCHES = 1536
/** An image behind a URL is taken to be this large: four tiles, what a square picture comes to. */
const UNKNOWN = { width: 1024, height: 1024 }

/** The tokens of an image for an OpenAI model. */
export function imageTokens(model: string, { width, height, detail }: ImagePart): number {
  const rule = RULES.find(([family]) => family.test(model))?.[1] ?? USUAL
  const size =
    width === undefined || height === undefined || width < 1 || height < 1 ? UNKNOWN : { width, height }
  if ('patch' in rule) return Math.ceil(patches(size) * rule.patch)
  return detail === 'low' ? rule.base : rule.base + rule.tile * tiles(size)
}

/** Scaled to fit 2048 by 2048, then to 768 on the shorter side, never up. */
function tiles({ width, height }: { width: number; height: number }): number {
  const fit = Math.min(1, 2048 / Math.max(width, height))
  const scale = fit * Math.min(1, 768 / (Math.min(width, height) * fit))
  return Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
}

function patches({ width, height }: { width: number; height: number }): number {
  return Math.min(MOST_PATCHES, Math.ceil(width / 32) * Math.ceil(height / 32))
}
