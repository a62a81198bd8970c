import type { Participant } from 'busline'

/** One answer of a model, in words that belong to no protocol. Texts and reasoning arrive in the pieces given. */
export interface Step {
  text?: readonly string[]
  reasoning?: readonly string[]
  /** `arguments` is the raw string, in the pieces given. */
  toolCalls?: readonly { id: string; name: string; arguments: readonly string[] }[]
  finishReason?: 'stop' | 'tool_calls' | 'length' | 'content_filter'
  usage?: { input: number; output: number; cached?: number }
  /** In place of an answer. */
  error?: { status: number; message: string; retryAfter?: string }
  /** After the text: the connection ends as if the answer were over (`cut`), or nothing more comes (`stall`). */
  ends?: 'cut' | 'stall'
}

/** A request as its server understood it, in the same words. */
export interface Seen {
  system: string
  tools: string[]
  toolChoice: unknown
  maxTokens: unknown
  stop: unknown
  /** The calls of the history and the results, in order. */
  calls: { id: string; name: string; arguments: unknown }[]
  results: { id: string; text: string }[]
  /** What came as a credential. */
  key: string | undefined
  /** What the real server would refuse. */
  problems: string[]
}

/** A server on loopback that plays a script in one protocol. */
export interface Wire extends AsyncDisposable {
  url: string
  seen: Seen[]
  /** Resolves when a client goes away in the middle of an answer. */
  closed: Promise<void>
}

/** A provider under contract, and the server behind it where it has one. */
export interface ContractWorld extends AsyncDisposable {
  provider: Participant
  wire?: Wire
}

export const usageOf = ({ usage }: Step): { input: number; output: number; cached?: number } =>
  usage ?? { input: 1, output: 1 }

export const finishOf = (step: Step): NonNullable<Step['finishReason']> =>
  step.finishReason ?? (step.toolCalls ? 'tool_calls' : 'stop')
