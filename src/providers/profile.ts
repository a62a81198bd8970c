import type { NameRule } from './wire-names.ts'

/** What a server that speaks the OpenAI protocol wants to be sent: plain data, so that a new server is one more object. */
export interface Profile {
  readonly name: string
  /** The base URLs that are this server's: a host with everything below it, or `:port` of this machine. */
  readonly hosts: readonly string[]
  /** Where it is when nobody says. */
  readonly baseURL?: string
  /** Stands in for the path of a base URL that has none. */
  readonly path?: string
  /** The `api-version` for a path of deployments that names none. */
  readonly apiVersion?: string
  /** What the key goes in: `authorization` as a bearer token, or a header of its own. */
  readonly keyHeader: 'authorization' | 'api-key'
  /** The name of the limit on an answer's tokens, and which models still want `max_tokens`. */
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens'
  readonly olderModels?: RegExp
  readonly seed: 'seed' | 'random_seed'
  /** Fields that it refuses, of the body, of `messages[].` and of their `tool_calls[].`; they are left out. */
  readonly refuses: readonly string[]
  /** Whether a call's `extra_content` goes back with it (Gemini's thought signatures); elsewhere it is an unknown field. */
  readonly extraContent: boolean
  /** How JSON is asked for: by its schema, by `json_object` and an instruction, or by an instruction alone. */
  readonly output: 'schema' | 'object' | 'instruction'
  /** Whether tools may be on offer together with that; if not, an instruction stands in. */
  readonly outputBesideTools: boolean
  readonly names: NameRule
  /** How long an id of a tool call has to be, of `[A-Za-z0-9]`; undefined where any will do. */
  readonly callIdLength?: number
  /** Whether it knows the role `developer`; it is sent as `system` where not. */
  readonly developerRole: boolean
  /** Whether system messages may stand anywhere; where not they are added to the first. */
  readonly systemAnywhere: boolean
  /** Whether user messages may follow one another; they are made into one where not. */
  readonly adjacentUsers: boolean
  /** Whether a user may speak after a tool; where not an assistant's `…` stands between. */
  readonly userAfterTool: boolean
  /** Whether a tool's result may be content parts; it is sent as their text where not. */
  readonly toolParts: boolean
  /**
   * Which reasoning goes back: none, that of the tool loop that is going on, that of every turn that called tools, or all.
   * Only under these names; `thinking` is a part of the content.
   */
  readonly reasoning: {
    readonly echo: 'never' | 'toolLoop' | 'toolTurns' | 'always'
    readonly fields: readonly ReasoningField[]
    /** Sent empty with calls that have none of their own: it is asked for there. */
    readonly empty?: ReasoningField
  }
  /** Whether `<think>` at the beginning of a text is reasoning. */
  readonly thinkTags: boolean
}

/** Under which names reasoning is known. */
export type ReasoningField = 'reasoning' | 'reasoning_content' | 'reasoning_details' | 'thinking'
