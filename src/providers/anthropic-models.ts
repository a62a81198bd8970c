/** What differs between Anthropic's models in the requests that they take. */
export interface ModelTraits {
  /** How a reasoning effort is told: not at all, as a budget of tokens, or as the effort itself. */
  readonly thinks: 'never' | 'budget' | 'effort'
  /** Whether `thinking: { type: 'disabled' }` is taken. */
  readonly canBeSilenced: boolean
  /** Whether `tool_choice` may be `any` or `tool`. */
  readonly canBeForced: boolean
  /** Whether thinking is refused when what stood before it has changed: `system`, `tools` or messages. */
  readonly bindsThinking: boolean
  /** The most tokens of an answer. */
  readonly maxOutput: number
}

interface Models {
  /** Families that this is about; none: all of them. */
  readonly families?: RegExp
  /** The first version: major and minor. */
  readonly from: readonly [number, number]
  readonly traits: Partial<ModelTraits>
}

/** What is taken for granted of a name that tells no version: the model of another, or one to come. */
const UNKNOWN: ModelTraits = {
  thinks: 'effort',
  canBeSilenced: true,
  canBeForced: true,
  bindsThinking: false,
  maxOutput: Number.POSITIVE_INFINITY,
}

/**
 * What changed with which model; each entry holds from its version on, and for later models until another says else.
 *
 * - limits: https://platform.claude.com/docs/en/models (each model's page, also of legacy ones)
 * - thinking: https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting, the table by model; `disabled`
 *   refused by Fable and Mythos 5 also in https://platform.claude.com/docs/en/models/fable-5/migration-guide
 * - forced tools: https://platform.claude.com/docs/en/models/fable-5-1/migration-guide and «What's new» of Opus 5.5 and
 *   Sonnet 5.5; that of Haiku 5.5 has neither among its breaking changes
 * - binding: https://platform.claude.com/docs/build-with-claude/preserved-thinking
 */
const SINCE: readonly Models[] = [
  { from: [3, 0], traits: { thinks: 'never', maxOutput: 4096 } },
  { from: [3, 5], traits: { maxOutput: 8192 } },
  { from: [3, 7], traits: { thinks: 'budget', maxOutput: 64_000 } },
  { families: /^opus$/, from: [4, 0], traits: { maxOutput: 32_000 } },
  { from: [4, 5], traits: { maxOutput: 64_000 } },
  { from: [4, 6], traits: { thinks: 'effort', maxOutput: 128_000 } },
  { families: /^(?:fable|mythos)$/, from: [5, 0], traits: { canBeSilenced: false } },
  { families: /^(?:fable|mythos)$/, from: [5, 1], traits: { canBeForced: false, bindsThinking: true } },
  { from: [5, 5], traits: { bindsThinking: true } },
  { families: /^(?!haiku$)/, from: [5, 5], traits: { canBeSilenced: false, canBeForced: false } },
]

/** The traits of the model of a name: `claude-opus-5-5`, `claude-3-7-sonnet-20250219`, `anthropic.claude-opus-4-1-v1:0`. */
export function modelTraits(name: string): ModelTraits {
  // The preview had no number yet. Its page: thinking is always on.
  if (/claude-mythos-preview/.test(name)) return { ...UNKNOWN, canBeSilenced: false }
  const version = versionOf(name)
  if (!version) return UNKNOWN
  const { family, major, minor } = version
  const holds = ({ families, from: [first, second] }: Models): boolean =>
    (families?.test(family) ?? true) && (major > first || (major === first && minor >= second))
  return SINCE.filter(holds).reduce<ModelTraits>((known, { traits }) => ({ ...known, ...traits }), UNKNOWN)
}

function versionOf(name: string): { family: string; major: number; minor: number } | undefined {
  // A number of more than two digits is a date.
  const [, before, major, minor, after] =
    /claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)(?:-([a-z]+))?/.exec(name) ?? []
  if (major === undefined) return undefined
  return { family: before ?? after ?? '', major: Number(major), minor: Number(minor ?? 0) }
}
